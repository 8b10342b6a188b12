import type { ErrorEntry } from './entry.ts'

export const connectorErrors = {
  ZENHOOK_CONNECTOR_UNKNOWN: {
    summary: 'A destination names a connector that does not exist',
    fix: 'Use one of webhook, slack, servicenow, jira, kafka and bin',
  },
  ZENHOOK_CONNECTOR_DESTINATION_UNKNOWN: {
    summary: 'The destination of a dispatch is not configured',
    fix: 'Configure the destination again or take it out of the routes, then replay the dead letter',
  },
  ZENHOOK_CONNECTOR_CONFIG_INVALID: {
    summary: 'The configuration of a destination is not valid for its connector',
    fix: 'Run `zenhook config check` on the file, mend the destination, then replay the dead letter',
  },
  ZENHOOK_CONNECTOR_UNAVAILABLE: {
    summary: 'The connector cannot work in this process',
    fix: 'Start the role with what the connector needs; the Kafka connector needs KAFKA_BROKERS',
  },
  ZENHOOK_CONNECTOR_SECRET_INVALID: {
    summary: 'A secret of a destination does not have the form its connector needs',
    fix: 'Compare the secret with the form in docs/reference; the value itself is never shown',
  },
  ZENHOOK_CONNECTOR_DISABLED: {
    summary: 'The destination is disabled',
    fix: 'After its receiver refused for good (410) a change of `connector`, `config` or `secrets` (another reference) enables it again; where its configuration says `disabled: true`, make that `disabled: false`. Then replay the dead letters',
  },
  ZENHOOK_CONNECTOR_TRANSFORM_FAILED: {
    summary: 'The transform of a route failed on this event',
    fix: 'Read the cause, mend the JSONata of the route, then replay the dead letter',
  },
  ZENHOOK_CONNECTOR_REFUSED: {
    summary: 'The receiver refused the event for good',
    fix: 'Read its answer in the decision, mend the destination or the receiver, then replay',
  },
  ZENHOOK_CONNECTOR_EXHAUSTED: {
    summary: 'All attempts of a dispatch failed',
    fix: 'Mend the receiver, then replay the dead letter',
  },
  ZENHOOK_CONNECTOR_EXPIRED: {
    summary: 'A dispatch could not be delivered within its horizon',
    fix: 'Mend the receiver or raise its rate limit, then replay the dead letter',
  },
  ZENHOOK_CONNECTOR_HOP_LIMIT: {
    summary: 'An event passed through Zenhook too many times: routes form a loop',
    fix: 'Break the loop between the destinations and sources that its headers name',
  },
  ZENHOOK_CONNECTOR_PARKED_FULL: {
    summary: 'Too many dispatches wait behind one failing key of an ordered destination',
    fix: 'Mend the receiver, or make the destination unordered; then replay the dead letters',
  },
} as const satisfies Record<string, ErrorEntry>
