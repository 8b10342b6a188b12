import { isZenhookError } from '../errors/index.ts'
import type {
  Batch,
  Gap,
  Log,
  LogCapabilities,
  NewRecord,
  StoredRecord,
  Subscription,
} from './port.ts'

/** What an adapter brings so that the suite can hold it to the promises of `port.ts`. */
export interface LogHarness {
  readonly capabilities: LogCapabilities
  /** How long any one step may take: a few hundred ms in process, tens of seconds where groups join. */
  readonly timeoutMs: number
  /** A topic name that no other case or run uses. Groups are made from it. */
  topic(name: string): string
  /** Opens a log on the harness's place. Called again after every close, restart and crash. */
  open(): Promise<Log>
  /** Closes in order and opens again on the same data. */
  restart?(log: Log): Promise<Log>
  /** The process dies: nothing is closed, nothing under way is awaited. Then opens again. */
  crash?(log: Log): Promise<Log>
  /** Removes every record before `until` as retention would. */
  trim?(log: Log, topic: string, partition: number, until: number): Promise<void>
  /** Drops all but the newest record per key now. Absent: the adapter compacts as it appends. */
  compact?(log: Log, topic: string): Promise<void>
  /** Freezes the server for longer than a request may take; `heal` lets it go on. */
  stallBroker?(topic: string): Promise<{ heal(): Promise<void> }>
  /** Kills the leader of a partition; `heal` brings it back. */
  killLeader?(topic: string, partition: number): Promise<{ heal(): Promise<void> }>
  destroy(): Promise<void>
}

/** A subscription of the suite, with all that it was given and told. */
export interface Consumer {
  batches: Batch[]
  records: StoredRecord[]
  values(): string[]
  errors: unknown[]
  gaps: Gap[]
  subscription: Subscription
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)
export const textOf = (record: StoredRecord): string =>
  new TextDecoder().decode(record.value ?? undefined)
export const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise
    return 'resolved'
  } catch (error) {
    return isZenhookError(error) ? error.code : String(error)
  }
}
export const numbered = (topic: string, count: number, key: string | null = 'k'): NewRecord[] =>
  Array.from({ length: count }, (_, index) => ({ topic, key, value: text(String(index)) }))
export const lastOf = <T>(items: readonly T[]): T => {
  const last = items.at(-1)
  if (last === undefined) throw new Error('expected at least one item')
  return last
}
