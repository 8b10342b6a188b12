import { fullTopicName } from '../topics.ts'

/** Logical names outside, full names in Kafka. */
export interface Names {
  topic(logical: string): string
  /** Undefined for topics that are not ours. */
  logical(topic: string): string | undefined
  group(logical: string): string
}

export const createNames = (prefix: string): Names => {
  // Splits the pattern of `fullTopicName` itself, so that the two can never disagree.
  const [head = '', tail = ''] = fullTopicName(prefix, '\n').split('\n')
  return {
    topic: (logical) => fullTopicName(prefix, logical),
    logical: (topic) =>
      topic.startsWith(head) && topic.endsWith(tail) && topic.length > head.length + tail.length
        ? topic.slice(head.length, topic.length - tail.length)
        : undefined,
    group: (logical) => `${prefix}.${logical}`,
  }
}
