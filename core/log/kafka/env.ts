import type { SASLOptions } from 'kafkajs'
import type { KafkaLogOptions } from './options.ts'

/** The variables of the environment that say how Kafka is reached; secrets as values, already read. */
export interface KafkaEnvironment {
  KAFKA_BROKERS?: string | undefined
  KAFKA_CLIENT_ID?: string | undefined
  /** `true` or `1`: TLS with the system's authorities. */
  KAFKA_SSL?: string | undefined
  /** `plain`, `scram-sha-256` or `scram-sha-512`. */
  KAFKA_SASL_MECHANISM?: string | undefined
  KAFKA_SASL_USERNAME?: string | undefined
  KAFKA_SASL_PASSWORD?: string | undefined
  KAFKA_TOPIC_PREFIX?: string | undefined
}

const saslOf = (environment: KafkaEnvironment): SASLOptions | undefined => {
  const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = environment
  const mechanism = environment.KAFKA_SASL_MECHANISM?.toLowerCase()
  if (mechanism === undefined || mechanism === '') return undefined
  if (username === undefined || password === undefined)
    throw new RangeError('KAFKA_SASL_MECHANISM needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD')
  switch (mechanism) {
    // Spelled out, for the type of kafkajs is a union by mechanism.
    case 'plain':
      return { mechanism, username, password }
    case 'scram-sha-256':
      return { mechanism, username, password }
    case 'scram-sha-512':
      return { mechanism, username, password }
    default:
      throw new RangeError(
        `KAFKA_SASL_MECHANISM is ${mechanism}; it may be plain, scram-sha-256 or scram-sha-512`,
      )
  }
}

/** Options of the log from the environment; undefined when KAFKA_BROKERS is not set. */
export const kafkaOptionsOf = (
  environment: KafkaEnvironment,
): Omit<KafkaLogOptions, 'logger'> | undefined => {
  const brokers = (environment.KAFKA_BROKERS ?? '')
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '')
  if (brokers.length === 0) return undefined
  const { KAFKA_CLIENT_ID: clientId, KAFKA_TOPIC_PREFIX: prefix, KAFKA_SSL: ssl } = environment
  const sasl = saslOf(environment)
  return {
    brokers,
    ...(clientId && { clientId }),
    ...(prefix && { prefix }),
    ...((ssl === 'true' || ssl === '1') && { ssl: true }),
    ...(sasl !== undefined && { sasl }),
  }
}
