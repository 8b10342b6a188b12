CREATE TABLE IF NOT EXISTS decisions
(
    tenant LowCardinality(String) COMMENT 'Tenant',
    event_id String COMMENT 'Event that was decided on',
    decision_id String COMMENT 'Hash of event, dispatch, stage, attempt and run',
    stage LowCardinality(String) COMMENT 'ingress, the name of a stage, or deliver',
    verdict LowCardinality(String) COMMENT 'accepted, pass, drop, dispatch, retry, delivered or dead',
    reason LowCardinality(String) COMMENT 'Declared reason of the step, snake_case',
    score Nullable(Float64) COMMENT 'Urgency from 0 to 1, where the step gives one',
    model LowCardinality(String) COMMENT 'Model that gave the score; empty where there is none',
    route LowCardinality(String) COMMENT 'Route that applied; empty before routing',
    destination LowCardinality(String) COMMENT 'Destination; empty before routing',
    attempt UInt32 COMMENT 'Attempt of a delivery, from 1; 0 elsewhere',
    at DateTime64(3, 'UTC') COMMENT 'When it was decided',
    took_ms Float64 COMMENT 'How long the step took, milliseconds',
    details_text String DEFAULT '{}' COMMENT 'What else the step said, by its own names, as the text of a JSON object',
    details JSON(max_dynamic_paths = 64) ALIAS CAST(details_text, 'JSON(max_dynamic_paths=64)') COMMENT 'The same as JSON: details.name reads one of them',
    source LowCardinality(String) COMMENT 'Source of the event',
    type LowCardinality(String) COMMENT 'Type of the event',
    received_at DateTime64(3, 'UTC') COMMENT 'When the event was received',
    run LowCardinality(String) COMMENT 'live, or the id of a replay',
    dispatch_id String COMMENT 'Dispatch, the outbound webhook-id; empty before routing',
    version UInt8 COMMENT 'Of two copies the higher stays: the drop of a second log copy never hides the first',
    INDEX by_event event_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(received_at)
ORDER BY (received_at, event_id, decision_id)
COMMENT 'One row per decision. Read with FINAL: copies of a row meet by their order.'
