import { ZenhookError } from '../errors/index.ts'
import type { Codec } from '../event/codec/index.ts'
import type { Kv } from '../kv/port.ts'
import type {
  Batch,
  BatchHandler,
  Log,
  NewRecord,
  StoredRecord,
  Subscription,
} from '../log/port.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createMarks, type Marks, type Place } from './marks.ts'
import { deadRecord, unreadDeath } from './records.ts'
import { isTooLarge } from './settle.ts'
import type { StageMetrics } from './tally.ts'
import { createTurns, type Turns } from './turns.ts'
import type { StageContext } from './types.ts'

export interface QuarantinePolicy {
  /** After so many owners in a row that died, a partition's next one takes a few records at a time; after more, one. */
  suspectAfter: number
  /** How many are a few. */
  few: number
  /** A record with which so many processes died while it was alone under way is quarantined. */
  deaths: number
  /** A partition whose owner has run so long has recovered, ms. */
  wellMs: number
  /** A record that is under way for longer does not end the process, but waits for something, ms. */
  aloneMs: number
  /** How long a record that must be alone waits for what is under way, ms. */
  drainMs: number
}

export const quarantineDefaults: QuarantinePolicy = {
  suspectAfter: 2,
  few: 16,
  deaths: 3,
  wellMs: 60_000,
  aloneMs: 5_000,
  drainMs: 5_000,
}

export interface QuarantineOptions {
  kv: Kv
  codec: Codec
  context: Pick<StageContext, 'now' | 'hash'>
  /** This life of this process: no other has the same. */
  holder: string
  metrics?: Pick<StageMetrics, 'dead'>
  logger?: Logger
  policy?: Partial<QuarantinePolicy>
}

/**
 * Finds records that end the process that works on them, and buries them. Each partition's owner leaves a
 * mark; an owner that died leaves it behind. After deaths in a row the next owner takes what was handed out
 * in small parts, and the one after it record by record, each alone in its process and counted before it is
 * worked on (docs/adr/0020).
 */
export interface Quarantine {
  /** The same log; subscriptions of those groups that have a stage are watched. */
  over(log: Log, stageOf: (group: string) => string | undefined): Log
}

interface Watch {
  turns: Turns
  marks: Marks
  policy: QuarantinePolicy
  stage: string
  options: QuarantineOptions
  /** Where what a record came to may be in the log before its progress is, it may have gone on although its process died. */
  mayGoOn: boolean
  onBatch: BatchHandler
}

type Answer = Awaited<ReturnType<BatchHandler>>

const retryMs = 1_000
/** With shared state a dispatch waits for the lease of a process that died over it: 20 s. */
const sharedAloneMs = 30_000
/** How long the next few wait for those before them, ms. */
const fewMs = 1_000

export const createQuarantine = (options: QuarantineOptions): Quarantine => {
  const { multiProcess, survivesRestart } = options.kv.capabilities
  const policy = {
    ...quarantineDefaults,
    ...(multiProcess && { aloneMs: sharedAloneMs }),
    ...options.policy,
  }
  const turns = createTurns(policy)
  const over: Quarantine['over'] = (log, stageOf) => ({
    ...log,
    async subscribe(subscription, onBatch) {
      const stage = stageOf(subscription.group)
      if (stage === undefined) return log.subscribe(subscription, onBatch)
      const marks = createMarks({ ...options, group: subscription.group, policy })
      const mayGoOn = !log.capabilities.atomicSettle
      const watch: Watch = { turns, marks, policy, stage, options, mayGoOn, onBatch }
      const inner = await log.subscribe(subscription, (batch) => handle(watch, batch))
      return watched(inner, marks)
    },
  })
  // State that a death takes along cannot count deaths.
  return { over: survivesRestart ? over : (log) => log }
}

const watched = (inner: Subscription, marks: Marks): Subscription => ({
  ready: () => inner.ready(),
  async close() {
    await inner.close()
    await marks.released()
  },
})

const handle = async (watch: Watch, batch: Batch): Promise<Answer> => {
  const { marks, turns, policy } = watch
  const place = marks.held(batch) ?? (await marks.hold(batch, (ended) => turns.leave(ended)))
  if (batch.signal.aborted) return undefined
  // Without state there is no count; the work itself knows whether it can go on without.
  if (place === undefined) return watch.onBatch(batch)
  if (place.deaths < policy.suspectAfter) return together(watch, place, batch)
  const { records, signal } = batch
  const suspects = records.filter(({ offset }) => offset <= place.reach).length
  for (let at = 0; at < records.length; ) {
    const size = at < suspects ? 1 : policy.few
    const part = { ...batch, records: records.slice(at, at + size) }
    const answer = await (at < suspects ? alone(watch, place, part) : few(watch, place, part))
    if (answer !== undefined || signal.aborted) return answer
    at += size
  }
  return undefined
}

/** So few that the next owner soon knows which it was. Before they are handed out it is noted how far they reach. */
const few = async (watch: Watch, place: Place, batch: Batch): Promise<Answer> => {
  await watch.marks.note(place, batch.records.at(-1)?.offset ?? -1)
  let settled = (): void => {}
  const settling = new Promise<void>((resolve) => {
    settled = resolve
  })
  const answer = await together(watch, place, batch, () => settled())
  if (answer === undefined) await within(fewMs, settling, batch.signal)
  return answer
}

const settling =
  ({ turns }: Watch, place: Place, batch: Batch, onSettled?: () => void): Batch['settle'] =>
  async (through, outputs) => {
    await batch.settle(through, outputs)
    place.settled = Math.max(place.settled, through.offset)
    if (place.settled < place.handed) return
    turns.leave(place)
    onSettled?.()
  }

/** Side by side with other partitions, as long as no record must be alone. */
const together = async (
  watch: Watch,
  place: Place,
  batch: Batch,
  onSettled?: () => void,
): Promise<Answer> => {
  const { turns, onBatch } = watch
  const turn = turns.enter(place, batch.signal)
  if (turn !== undefined) await turn
  if (batch.signal.aborted) {
    turns.leave(place)
    return undefined
  }
  place.handed = Math.max(place.handed, batch.records.at(-1)?.offset ?? -1)
  try {
    const answer = await onBatch({ ...batch, settle: settling(watch, place, batch, onSettled) })
    if (answer !== undefined) turns.leave(place)
    return answer
  } catch (error) {
    turns.leave(place)
    throw error
  }
}

/**
 * One record, with nothing else under way in this process, counted before it is worked on. Whoever lives
 * takes the count back: it stands for those that died.
 */
const alone = async (watch: Watch, place: Place, batch: Batch): Promise<Answer> => {
  const { turns, marks, policy, onBatch } = watch
  const { signal, records } = batch
  const [record] = records
  if (record === undefined) return undefined
  const isAlone = await turns.alone(signal)
  if (isAlone === undefined) return undefined
  let isHanded = false
  try {
    const deaths = await marks.begin(record, isAlone)
    if (deaths >= policy.deaths) {
      // Progress must not pass what else of the partition is under way.
      if (!isAlone) return { redeliverAt: watch.options.context.now() + retryMs }
      await bury(watch, batch, record, deaths)
      place.settled = Math.max(place.settled, record.offset)
      await marks.forget(record)
      return undefined
    }
    place.handed = Math.max(place.handed, record.offset)
    let passed = (): void => {}
    const passing = new Promise<void>((resolve) => {
      passed = resolve
    })
    const settle = settling(watch, place, batch, () => passed())
    const answer = await onBatch({ ...batch, settle })
    if (answer !== undefined) return answer
    isHanded = true
    await within(policy.aloneMs, passing, signal)
    return undefined
  } finally {
    await marks.end(record, isAlone, place.settled >= record.offset)
    // It waits for something: those that follow it are not alone meanwhile. Not once its partition has moved.
    const isUnderWay = isHanded && place.settled < place.handed && !signal.aborted
    turns.done(isUnderWay ? place : undefined)
  }
}

const within = (ms: number, work: Promise<void>, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
    work.then(end)
  })

const bury = async (
  { stage, options, mayGoOn }: Watch,
  batch: Batch,
  record: StoredRecord,
  deaths: number,
): Promise<void> => {
  const { topic, partition, offset, headers } = record
  const { codec, context, logger, metrics } = options
  const error = new ZenhookError('ZENHOOK_STAGE_QUARANTINED', {
    message: `${deaths} processes died while ${topic}/${partition}@${offset} was alone under way`,
  })
  // Its value is what nobody may touch: the headers say whose it is.
  const { tenant = '', source = '', id = '' } = headers
  const death = { record, stage, error, at: context.now() }
  const outputs = (withoutOriginal: boolean): readonly NewRecord[] => [
    deadRecord(codec, context.hash, { ...death, withoutOriginal, event: { tenant, source, id } }),
    ...(mayGoOn ? [] : unreadDeath(codec, context.hash, death)),
  ]
  try {
    await batch.settle(record, outputs(false))
  } catch (cause) {
    if (!isTooLarge(cause)) throw cause
    await batch.settle(record, outputs(true))
  }
  metrics?.dead.inc({ stage, code: error.code })
  logger?.error({ topic, partition, offset, stage, deaths, code: error.code }, error.message)
}
