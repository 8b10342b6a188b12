import { type ErrorCode, ZenhookError } from '../../errors/index.ts'

const fieldOf = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined

/** The names that Kafka and kafkajs give an error, outermost first: `KafkaJSProtocolError`, `MESSAGE_TOO_LARGE` … */
export const namesOf = (error: unknown): string[] => {
  const names: string[] = []
  for (let one = error, depth = 0; one !== undefined && one !== null && depth < 8; depth++) {
    for (const name of [fieldOf(one, 'type'), fieldOf(one, 'name')])
      if (typeof name === 'string') names.push(name)
    const errors = fieldOf(one, 'errors')
    if (Array.isArray(errors)) for (const inner of errors) names.push(...namesOf(inner))
    one = fieldOf(one, 'cause')
  }
  return names
}

const has = (error: unknown, ...wanted: string[]): boolean =>
  namesOf(error).some((name) => wanted.includes(name))

export const isTooLarge = (error: unknown): boolean =>
  has(error, 'MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE')

export const isUnknownTopic = (error: unknown): boolean =>
  has(error, 'UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_TOPIC_EXCEPTION')

export const isOutOfRange = (error: unknown): boolean =>
  has(error, 'OFFSET_OUT_OF_RANGE', 'KafkaJSOffsetOutOfRange')

/** The group has moved on without us. */
export const isFenced = (error: unknown): boolean =>
  has(
    error,
    'ILLEGAL_GENERATION',
    'UNKNOWN_MEMBER_ID',
    'FENCED_INSTANCE_ID',
    'REBALANCE_IN_PROGRESS',
  )

/** The broker refuses one record for what it is; its neighbours in the batch are refused with it. */
export const isRefusedRecord = (error: unknown): boolean =>
  isTooLarge(error) || has(error, 'INVALID_RECORD', 'INVALID_TIMESTAMP')

/** Trying again cannot help: credentials, rights, or a record that the topic does not take. */
export const isFinal = (error: unknown): boolean =>
  has(
    error,
    'KafkaJSSASLAuthenticationError',
    'SASL_AUTHENTICATION_FAILED',
    'TOPIC_AUTHORIZATION_FAILED',
    'CLUSTER_AUTHORIZATION_FAILED',
    'INVALID_RECORD',
    'INVALID_TIMESTAMP',
  )

export const logError = (
  code: ErrorCode & `ZENHOOK_LOG_${string}`,
  message: string,
  cause?: unknown,
): ZenhookError =>
  new ZenhookError(code, {
    message,
    retriable: code === 'ZENHOOK_LOG_UNAVAILABLE' && !isFinal(cause),
    cause,
  })
