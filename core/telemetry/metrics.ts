import { Counter, Gauge, Histogram, Registry } from 'prom-client'

const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Every metric of Zenhook, in one list: prefix `zenhook_`, base units, bounded labels. */
export const createMetrics = () => {
  const registry = new Registry()
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Gauge({ name, help, labelNames, registers })
  const histogram = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Histogram({ name, help, labelNames, registers, buckets: latencyBuckets })
  return {
    registry,
    ingressRequests: counter(
      'zenhook_ingress_requests_total',
      'Requests to /in by answer and provider preset',
      ['status', 'provider'],
    ),
    ingressSeconds: histogram(
      'zenhook_ingress_request_seconds',
      'Time from the whole request to its answer',
      ['status'],
    ),
    ingressRefused: counter(
      'zenhook_ingress_refused_total',
      'Requests refused by the verifier, by reason',
      ['provider', 'reason'],
    ),
    spoolRecords: gauge('zenhook_spool_records', 'Records in the spool, not yet in the log', []),
    spoolBytes: gauge('zenhook_spool_bytes', 'Bytes in the spool, not yet in the log', []),
    spooled: counter('zenhook_spool_written_total', 'Records answered from the spool', []),
    spoolLost: counter(
      'zenhook_spool_lost_total',
      'Records of the spool that were found torn or damaged, and skipped',
      [],
    ),
    appendSeconds: histogram(
      'zenhook_log_append_seconds',
      'Time until an append is durable, by topic',
      ['topic'],
    ),
    stageEvents: counter(
      'zenhook_stage_events_total',
      'Events decided by a stage, by verdict and reason',
      ['stage', 'verdict', 'reason'],
    ),
    stageSeconds: histogram('zenhook_stage_batch_seconds', 'Time of one batch in a stage', [
      'stage',
    ]),
    stageErrors: counter(
      'zenhook_stage_errors_total',
      'Batches that failed and are retried, by error code',
      ['stage', 'code'],
    ),
    lag: gauge('zenhook_lag_records', 'Records a group has not settled yet, by topic', [
      'group',
      'topic',
    ]),
    gaps: counter('zenhook_log_gap_records_total', 'Records removed before a group read them', [
      'group',
      'topic',
    ]),
    attempts: counter('zenhook_connector_attempts_total', 'Delivery attempts, by outcome', [
      'connector',
      'outcome',
    ]),
    attemptSeconds: histogram('zenhook_connector_attempt_seconds', 'Time of one attempt', [
      'connector',
    ]),
    inFlight: gauge('zenhook_connector_in_flight', 'Attempts under way', ['connector']),
    endToEndSeconds: histogram(
      'zenhook_end_to_end_seconds',
      'Time from receipt to a successful delivery',
      ['connector'],
    ),
    dead: counter('zenhook_dead_letters_total', 'Dead letters, by stage and error code', [
      'stage',
      'code',
    ]),
    sinkRows: counter('zenhook_sink_rows_total', 'Rows inserted into ClickHouse, by table', [
      'table',
    ]),
    sinkErrors: counter('zenhook_sink_errors_total', 'Inserts that failed and are retried', []),
    unaccounted: gauge(
      'zenhook_unaccounted_events',
      'Accepted events that are proven neither to have ended in exactly one state per dispatch nor to wait for it; must be 0',
      [],
    ),
    openEvents: gauge(
      'zenhook_accounting_open_events',
      'Accepted events that have not ended: pending, retrying, waiting, spooled',
      ['state'],
    ),
    endedEvents: counter(
      'zenhook_accounting_ended_events_total',
      'Accepted events that were found to have ended: delivered, partial, dropped, dead',
      ['state'],
    ),
    accountingRun: gauge(
      'zenhook_accounting_last_run_timestamp_seconds',
      'When this process last accounted for all events; 0 where another one does',
      [],
    ),
    accountingSeconds: gauge(
      'zenhook_accounting_last_run_seconds',
      'How long the last accounting took',
      [],
    ),
    registryRevision: gauge(
      'zenhook_registry_published_timestamp_seconds',
      'When the revision in use was published',
      [],
    ),
    ready: gauge('zenhook_ready', 'Readiness checks: 1 is good', ['check']),
    buildInfo: gauge('zenhook_build_info', 'Always 1; the version in its labels', [
      'version',
      'node',
    ]),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
