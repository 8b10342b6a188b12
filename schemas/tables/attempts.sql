CREATE TABLE IF NOT EXISTS attempts
(
    tenant LowCardinality(String) COMMENT 'Tenant',
    event_id String COMMENT 'Event that was delivered',
    dispatch_id String COMMENT 'Dispatch, the outbound webhook-id',
    destination LowCardinality(String) COMMENT 'Destination',
    connector LowCardinality(String) COMMENT 'Connector that made the attempt',
    attempt UInt32 COMMENT 'From 1',
    at DateTime64(3, 'UTC') COMMENT 'When the attempt ended',
    outcome LowCardinality(String) COMMENT 'delivered, retry or dead',
    status UInt16 COMMENT 'HTTP status of the answer; 0 where there was none',
    took_ms Float64 COMMENT 'How long the attempt took, milliseconds',
    error String COMMENT 'Why it failed; empty where it did not',
    external_id String COMMENT 'Id that the receiver gave, such as a ticket; empty where there is none',
    possible_duplicate Bool COMMENT 'An earlier attempt may have arrived, its end being unknown',
    run LowCardinality(String) COMMENT 'live, or the id of a replay',
    source LowCardinality(String) COMMENT 'Source of the event',
    type LowCardinality(String) COMMENT 'Type of the event',
    received_at DateTime64(3, 'UTC') COMMENT 'When the event was received',
    INDEX by_event event_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (received_at, event_id, dispatch_id, run, attempt)
COMMENT 'One row per delivery attempt. Read with FINAL: copies of a row meet by their order.'
