import { isZenhookError, messageOf, ZenhookError } from '../errors/index.ts'
import type { Codec } from '../event/codec/index.ts'
import { type Decision, type Event, type Hash, withOrigin } from '../event/index.ts'
import type { NewRecord, StoredRecord } from '../log/port.ts'
import { died, invoke } from './invoke.ts'
import {
  codeOf,
  deadRecord,
  deathDecision,
  decisionOf,
  decisionsRecord,
  dispatchRecord,
  eventRecord,
  headersOf,
  liveRun,
  type RecordHeaders,
  unreadDeath,
} from './records.ts'
import type { Tally } from './tally.ts'
import type { Item, Outcome, Stage } from './types.ts'

/** What stands around one batch: who works on it, and where its results go. */
export interface BatchWork {
  codec: Codec
  hash: Hash
  now(): number
  stages: readonly Stage[]
  /** Topic of events that passed the last stage. */
  to: string
  tally: Tally
  signal: AbortSignal
  /** Whether a record may still wait for the schema it was written with; else it dies. */
  mayWait(): boolean
}

/** One record and what became of it. */
export interface Fate {
  record: StoredRecord
  /** Absent where the record is no event, or was not decided. */
  item?: Item
  outputs: readonly NewRecord[]
  /** Comes again at this time, with everything behind it; nothing of it is written. */
  retryAt?: number
}

interface Slot {
  record: StoredRecord
  item: Item | undefined
  /** Of every record made from it; made when the first is. */
  headers: RecordHeaders | undefined
  outputs: NewRecord[]
  decisions: Decision[]
  retryAt: number | undefined
  open: boolean
}

/**
 * Takes the records of a batch through the stages. Rejects with StageUnavailable when a stage cannot decide
 * now; a record that fails alone gets a dead letter and its neighbours go on.
 */
export const workBatch = async (
  records: readonly StoredRecord[],
  work: BatchWork,
): Promise<readonly Fate[]> => {
  const slots: Slot[] = []
  for (const record of records) {
    const slot = opened(record, work)
    slots.push(isPromise(slot) ? await slot : slot)
  }
  for (const [index, stage] of work.stages.entries())
    await passStage(stage, index === work.stages.length - 1, slots, work)
  return slots.map((slot) => fateOf(slot, work))
}

const decodeRetryMs = 1_000

/** Synchronous but for a schema that is seen for the first time. */
const opened = (record: StoredRecord, work: BatchWork): Slot | Promise<Slot> => {
  const slot: Slot = {
    record,
    item: undefined,
    headers: undefined,
    outputs: [],
    decisions: [],
    retryAt: undefined,
    open: true,
  }
  const fill = (event: Event): Slot => {
    slot.item = itemOf(record, event)
    return slot
  }
  const fail = (error: unknown): Slot => {
    slot.open = false
    if (isZenhookError(error) && error.retriable && work.mayWait())
      slot.retryAt = work.now() + (error.retryAfterMs ?? decodeRetryMs)
    else bury(slot, work.stages[0]?.name ?? 'decode', undecodable(error), work)
    return slot
  }
  try {
    if (record.value === null)
      throw new ZenhookError('ZENHOOK_STAGE_UNDECODABLE', { message: 'The record has no value' })
    const decoding = work.codec.decode('event', record.value)
    return isPromise(decoding) ? decoding.then(fill, fail) : fill(decoding)
  } catch (error) {
    return fail(error)
  }
}

const isPromise = <T>(value: T | Promise<T>): value is Promise<T> => value instanceof Promise

const undecodable = (error: unknown): ZenhookError =>
  isZenhookError(error)
    ? error
    : new ZenhookError('ZENHOOK_STAGE_UNDECODABLE', { message: messageOf(error), cause: error })

const itemOf = (record: StoredRecord, event: Event): Item => {
  const { topic, partition, offset } = record
  const run = record.headers.run ?? liveRun
  if (topic !== 'received')
    return { event, position: event.origin ?? { topic, partition, offset }, run }
  const position = { topic, partition, offset }
  return { event: withOrigin(event, position), position, run }
}

const passStage = async (
  stage: Stage,
  last: boolean,
  slots: readonly Slot[],
  work: BatchWork,
): Promise<void> => {
  const open = slots.filter((slot) => slot.open)
  const items = open.flatMap(({ item }) => item ?? [])
  if (items.length === 0) return
  const started = performance.now()
  const outcomes = await invoke(stage, items, work.signal)
  const tookMs = performance.now() - started
  work.tally.batch(stage.name, tookMs)
  const share = Math.round((tookMs / items.length) * 1000) / 1000
  const at = work.now()
  for (const [index, slot] of open.entries()) {
    const outcome = outcomes[index]
    if (outcome === undefined) continue
    try {
      settleOutcome(slot, stage.name, last, outcome, at, share, work)
    } catch (error) {
      // Its facts or its dispatch cannot be written down.
      slot.outputs = []
      settleOutcome(slot, stage.name, last, died(stage.name, error), at, share, work)
    }
  }
}

const settleOutcome = (
  slot: Slot,
  stage: string,
  last: boolean,
  outcome: Outcome,
  at: number,
  tookMs: number,
  work: BatchWork,
): void => {
  const { item } = slot
  if (item === undefined) return
  const { codec, hash, tally } = work
  switch (outcome.kind) {
    case 'emit':
      slot.item = { ...item, event: outcome.event }
      if (last)
        slot.outputs.push(eventRecord(codec, eventTopic(work), outcome.event, headers(slot, hash)))
      break
    case 'dispatch':
      slot.open = false
      for (const dispatch of outcome.dispatches)
        slot.outputs.push(dispatchRecord(codec, dispatch, headers(slot, hash)))
      break
    case 'drop':
      slot.open = false
      break
    case 'dead':
      bury(slot, stage, outcome.error, work)
      break
    case 'retry':
      slot.open = false
      slot.retryAt = work.now() + outcome.afterMs
  }
  for (const draft of outcome.decisions) tally.decision(stage, draft)
  if (outcome.kind === 'retry' || (outcome.kind === 'drop' && outcome.copy)) return
  for (const draft of outcome.decisions)
    slot.decisions.push(decisionOf(hash, item.event, item.run, stage, draft, at, tookMs))
}

const eventTopic = ({ to }: BatchWork): string => {
  if (to === 'dispatch')
    throw new ZenhookError('ZENHOOK_STAGE_BROKEN_PROMISE', {
      message: 'The last stage gave an event where dispatches are expected',
    })
  return to
}

const headers = (slot: Slot, hash: Hash): RecordHeaders => {
  const { item, record } = slot
  if (item === undefined) return record.headers
  slot.headers ??= headersOf(hash, item.event, item.run, record)
  return slot.headers
}

const bury = (slot: Slot, stage: string, error: unknown, work: BatchWork): void => {
  const { codec, hash, now, tally } = work
  const { record, item } = slot
  slot.open = false
  const death = { record, stage, error, at: now() }
  slot.outputs =
    item === undefined
      ? [deadRecord(codec, hash, death), ...unreadDeath(codec, hash, death)]
      : [deadRecord(codec, hash, { ...death, event: item.event })]
  tally.dead(stage, codeOf(error))
}

const fateOf = (slot: Slot, work: BatchWork): Fate => {
  const { record, retryAt } = slot
  if (retryAt !== undefined) return { record, outputs: [], retryAt }
  const whose = slot.item === undefined ? { record } : { record, item: slot.item }
  try {
    return { ...whose, outputs: [...slot.outputs, ...decisionsOf(slot, work)] }
  } catch (error) {
    const guilty = slot.decisions.findIndex((decision) => !isWritable(decision))
    const stage = slot.decisions.at(guilty)?.stage ?? ''
    slot.decisions = slot.decisions.slice(0, Math.max(guilty, 0))
    settleOutcome(slot, stage, true, died(stage, error), work.now(), 0, work)
    return { ...whose, outputs: [...slot.outputs, ...decisionsOf(slot, work)] }
  }
}

const isWritable = (decision: Decision): boolean => {
  try {
    return JSON.stringify(decision) !== undefined
  } catch {
    return false
  }
}

const decisionsOf = (slot: Slot, { codec, hash }: BatchWork): readonly NewRecord[] => {
  const { item, decisions } = slot
  return item === undefined || decisions.length === 0
    ? []
    : [decisionsRecord(codec, item.event, item.run, decisions, headers(slot, hash))]
}

/**
 * What is written instead when a record's outputs are larger than their topics accept: a pointer to it, and, where
 * nothing of it went on (`undone`), the decision that ends its story.
 */
export const deathOf = (
  { record, item }: Fate,
  error: unknown,
  stage: string,
  undone: boolean,
  { codec, hash, now, tally }: Pick<BatchWork, 'codec' | 'hash' | 'now' | 'tally'>,
): readonly NewRecord[] => {
  tally.dead(stage, codeOf(error))
  const death = { record, stage, error, at: now() }
  const event = item?.event
  const letter = deadRecord(codec, hash, {
    ...death,
    withoutOriginal: true,
    ...(event !== undefined && { event }),
  })
  if (item === undefined || !undone) return [letter]
  const said = headersOf(hash, item.event, item.run, record)
  return [letter, deathDecision(codec, hash, item.event, item.run, death, said)]
}
