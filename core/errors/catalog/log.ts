import type { ErrorEntry } from './entry.ts'

export const logErrors = {
  ZENHOOK_LOG_CLOSED: {
    summary: 'The log is closed',
    fix: 'Open it again; a closing process no longer accepts records',
  },
  ZENHOOK_LOG_UNAVAILABLE: {
    summary: 'The log cannot be reached',
    fix: 'Check that the brokers of KAFKA_BROKERS run and can be reached; nothing is lost, appends are retried',
  },
  ZENHOOK_LOG_RECORD_TOO_LARGE: {
    summary: 'A record is larger than its topic accepts',
    fix: "Raise the topic's max.message.bytes or lower the source's maxBody",
  },
  ZENHOOK_LOG_UNKNOWN_TOPIC: {
    summary: 'The topic does not exist',
    fix: 'Create it with the tools of Kafka (kafka-topics.sh --create); no topic is created by being written to',
  },
  ZENHOOK_LOG_TOPIC_RESERVED: {
    summary: "The topic is one of Zenhook's own",
    fix: 'Publish to a topic whose name does not begin with KAFKA_TOPIC_PREFIX',
  },
  ZENHOOK_LOG_NOT_OWNER: {
    summary: 'The partition has moved to another consumer',
    fix: 'Nothing: its new owner continues from the last settled position',
  },
  ZENHOOK_LOG_GAP: {
    summary: 'Records were removed before they were read',
    fix: "Raise the topic's retention above the longest outage of its consumers",
  },
} as const satisfies Record<string, ErrorEntry>
