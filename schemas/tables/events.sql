CREATE TABLE IF NOT EXISTS events
(
    tenant LowCardinality(String) COMMENT 'Tenant',
    id String COMMENT 'Event id, UUIDv7, minted once at ingress',
    source LowCardinality(String) COMMENT 'Source, within the tenant',
    type LowCardinality(String) COMMENT 'Event type in the words of the provider',
    provider LowCardinality(String) COMMENT 'Preset that verified it, or the scheme',
    dedupe_key String COMMENT 'Equal for duplicates',
    delivery_id String COMMENT 'Id that the provider gave the delivery; empty where it has none',
    received_at DateTime64(3, 'UTC') COMMENT 'When the request was whole, ingress clock',
    size UInt32 COMMENT 'Bytes of the body',
    content_type LowCardinality(String) COMMENT 'Content type as received',
    scheme LowCardinality(String) COMMENT 'Verifier that proved it',
    traceparent String COMMENT 'W3C trace context; empty where there is none',
    topic LowCardinality(String) COMMENT 'Where it lies in the log: topic',
    partition UInt32 COMMENT 'Where it lies in the log: partition',
    offset UInt64 COMMENT 'Where it lies in the log: offset',
    INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (received_at, tenant, id)
COMMENT 'One row per verified event. Read with FINAL: copies of a row meet by their order.'
