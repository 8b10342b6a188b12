import { type Dispatch, liveRun, type Position } from '../../core/event/index.ts'
import type { Kv } from '../../core/kv/port.ts'
import { createBatcher } from './batcher.ts'

/** How an attempt ended; enough to write its outputs again after a crash. */
export interface Ending {
  verdict: 'delivered' | 'retry' | 'dead'
  reason: string
  at: number
  tookMs: number
  details: Readonly<Record<string, unknown>>
  /** retry: when the next attempt is due, ms. */
  nextAt?: number
  /** dead: its cause. */
  code?: string
  message?: string
}

/** What is known about a dispatch: one record for all its runs, so that none acts where another did. */
export type DispatchRecord = {
  /** Number of the attempt, from 1; 0 when it ended without one. */
  attempt: number
  /** Position of the record it was made for, `topic/partition/offset`. */
  position: string
  /** Run that was at it last; absent: the live one. */
  run?: string
  /** Event it was made for: the provider's delivery may come again as another one, once the claims are lost. */
  event?: string
  /** The destination has it, whatever a forced replay came to since. */
  had?: { run: string; at: number }
} & (
  | { state: 'started'; owner: string /** Nobody else attempts before, ms. */; leaseUntil: number }
  | { state: 'ended'; ending: Ending }
)

export const dispatchKey = ({ id }: Pick<Dispatch, 'id'>): string => `dispatch:${liveRun}:${id}`

/** Whose record it is: its event, and its run where that is not the live one. */
export const bearerOf = ({ run, event }: Dispatch): { event: string; run?: string } =>
  run === liveRun ? { event: event.id } : { event: event.id, run }

export const positionText = ({ topic, partition, offset }: Position): string =>
  `${topic}/${partition}/${offset}`

/** That its destination has it, as what follows has to say along. */
export const hadOf = (known: Known | undefined): Pick<DispatchRecord, 'had'> => {
  if (known === undefined) return {}
  const { record } = known
  if (record.had !== undefined) return { had: record.had }
  return record.state === 'ended' && record.ending.verdict === 'delivered'
    ? { had: { run: record.run ?? liveRun, at: record.ending.at } }
    : {}
}

/** A record with the text it was read from, for compare and set. */
export interface Known {
  record: DispatchRecord
  text: string
}

const parse = (text: string): Known => ({ record: JSON.parse(text) as DispatchRecord, text })

/** The record per dispatch, in keyed state; calls of one turn share one round trip. */
export interface Records {
  read(key: string): Promise<Known | undefined>
  /** Writes if nothing changed since `known` was read; says whether it did. */
  write(key: string, record: DispatchRecord, known: Known | undefined): Promise<Known | undefined>
}

export const createRecords = (kv: Kv, ttlMs: number): Records => {
  const get = createBatcher((keys: readonly string[]) => kv.get(keys))
  const replace = createBatcher(
    (entries: readonly { key: string; value: string; ttlMs: number; expected?: string }[]) =>
      kv.replace(entries.map((entry) => ({ ...entry, expected: entry.expected }))),
  )
  return {
    async read(key) {
      const text = await get(key)
      return text === undefined ? undefined : parse(text)
    },
    async write(key, record, known) {
      const text = JSON.stringify(record)
      const written = await replace({ key, value: text, ttlMs, expected: known?.text })
      return written ? { record, text } : undefined
    },
  }
}
