import { createHash } from 'node:crypto'
import { logError } from './errors.ts'
import { createNames, type Names } from './names.ts'
import type { KafkaLogOptions } from './options.ts'
import { createWriting, type Writing } from './writing.ts'

/** Publishes to topics of the user's, by their own names, through the same lanes as the log. */
export interface KafkaPublisher {
  /**
   * Resolves once the brokers acknowledged it. `sasl` is `username:password` of the destination; without
   * it the connection of this process serves. Rejects as `append` of the log does, and with
   * ZENHOOK_LOG_TOPIC_RESERVED for topics of Zenhook itself. `resent`: it may lie in the topic twice.
   */
  publish(
    topic: string,
    key: string | null,
    headers: Readonly<Record<string, string>>,
    value: Uint8Array,
    options?: { sasl?: string | undefined },
  ): Promise<{ partition: number; offset: number; resent: boolean }>
  close(): Promise<void>
}

const ownNames: Names = { topic: (name) => name, logical: (name) => name, group: (name) => name }

/** Connections of destinations with credentials of their own, at most; the oldest gives way. */
const maxConnections = 32

export const createKafkaPublisher = (
  options: KafkaLogOptions & Required<Pick<KafkaLogOptions, 'prefix'>>,
): KafkaPublisher => {
  const names = createNames(options.prefix)
  const writings = new Map<string, Writing>()

  const optionsFor = (sasl: string | undefined): KafkaLogOptions => {
    if (sasl === undefined) return options
    const colon = sasl.indexOf(':')
    if (colon < 1) {
      throw logError(
        'ZENHOOK_LOG_UNAVAILABLE',
        'The sasl secret is not in the form username:password',
      )
    }
    const mechanism = options.sasl?.mechanism
    return {
      ...options,
      sasl: {
        mechanism:
          mechanism === 'scram-sha-256' || mechanism === 'scram-sha-512' ? mechanism : 'plain',
        username: sasl.slice(0, colon),
        password: sasl.slice(colon + 1),
      } as NonNullable<KafkaLogOptions['sasl']>,
    }
  }

  const writingFor = (sasl: string | undefined): Writing => {
    const key = sasl === undefined ? '' : createHash('sha256').update(sasl).digest('hex')
    const known = writings.get(key)
    if (known !== undefined) return known
    const made = createWriting(optionsFor(sasl), ownNames)
    writings.set(key, made)
    for (const [oldest, writing] of writings) {
      if (writings.size <= maxConnections) break
      writings.delete(oldest)
      void writing.close()
    }
    return made
  }

  return {
    publish: async (topic, key, headers, value, { sasl } = {}) => {
      // Who configures a destination must not write the configuration of others, nor events.
      if (names.logical(topic) !== undefined) {
        const message = `${topic} belongs to Zenhook: no destination may publish to it`
        throw logError('ZENHOOK_LOG_TOPIC_RESERVED', message)
      }
      const [position] = await writingFor(sasl).append([{ topic, key, value, headers }])
      if (position === undefined) throw logError('ZENHOOK_LOG_UNAVAILABLE', 'No acknowledgement')
      const { partition, offset, resent = false } = position
      return { partition, offset, resent }
    },
    close: async () => {
      await Promise.all([...writings.values()].map((writing) => writing.close()))
      writings.clear()
    },
  }
}
