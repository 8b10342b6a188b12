import { hasCode, isZenhookError, messageOf, ZenhookError } from '../errors/index.ts'
import type { Codec } from '../event/codec/index.ts'
import type { Batch, Gap, Log, StoredRecord, Subscription } from '../log/port.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { OpenSpan, Tracer } from '../telemetry/tracer.ts'
import { atMost } from '../time/limits.ts'
import { type BatchWork, type Fate, workBatch } from './batch.ts'
import { createHealth, type Health } from './health.ts'
import { StageUnavailable } from './invoke.ts'
import { createLater, type Later } from './later.ts'
import { deadRecord } from './records.ts'
import { isTooLarge, isUrgent, settle, settleOne } from './settle.ts'
import { createTally, type StageMetrics } from './tally.ts'
import { type ChainLink, type ChainMode, type ChainTopology, describeChain } from './topology.ts'
import type { Stage, StageContext } from './types.ts'

export interface ChainOptions {
  log: Log
  codec: Codec
  /** By name: `dedupe`, `enrich`, `score`, `route`; those that this process runs. */
  stages: readonly Stage[]
  chain: ChainMode
  context: Pick<StageContext, 'now' | 'hash'>
  metrics?: StageMetrics
  logger?: Logger
  /** Absent where no spans are wanted. */
  tracer?: Tracer | undefined
  groupPrefix?: string
  /** In a split chain: only these stages run here. */
  only?: readonly string[]
  /** Upper bound of one batch: it also bounds how long the chain holds the process without a pause. */
  maxRecords?: number
  /** How long a record waits for the schema it was written with, while the registry is away, before it dies. */
  schemaPatienceMs?: number
}

export interface Chain {
  readonly topology: ChainTopology
  /** Resolves once every link reads. */
  ready(): Promise<void>
  /** Not ok while a partition cannot go on: its batch comes again until it can. */
  health(): Health
  /** Lets batches under way finish or abort; unsettled ones come again at the next start. Idempotent. */
  close(): Promise<void>
}

const defaultMaxRecords = 100
const defaultSchemaPatienceMs = 60_000
const firstPauseMs = 100
const longestPauseMs = 10_000
const settleLingerMs = 100
const closeGraceMs = 5_000
const settleLingerRecords = 2_000

/**
 * Runs the chain over the log: all stages in one group with one settle per batch (`fused`), or one group
 * per stage with every topic in between (`split`), with the same decisions.
 * Throws ZENHOOK_STAGE_UNKNOWN when a stage is missing or `only` names none.
 */
export const startChain = async (options: ChainOptions): Promise<Chain> => {
  const topology = topologyOf(options)
  const health = createHealth()
  const subscriptions: Subscription[] = []
  const close = async (): Promise<void> => {
    await Promise.all(subscriptions.splice(0).map((subscription) => subscription.close()))
  }
  try {
    for (const link of topology.links) subscriptions.push(await subscribe(link, options, health))
  } catch (error) {
    await close()
    throw error
  }
  return {
    topology,
    ready: async () => {
      await Promise.all(subscriptions.map((subscription) => subscription.ready()))
    },
    health: () => health.state(),
    close,
  }
}

const topologyOf = ({ chain, groupPrefix, only }: ChainOptions): ChainTopology => {
  const whole = describeChain(chain, groupPrefix)
  if (only === undefined || chain === 'fused') return whole
  const links = whole.links.filter(({ stages }) => stages.some((name) => only.includes(name)))
  const known = whole.links.flatMap(({ stages }) => stages.map(String))
  const stranger = only.find((name) => !known.includes(name))
  if (stranger !== undefined) throw unknownStage(stranger)
  return { chain, links }
}

const unknownStage = (name: string): ZenhookError =>
  new ZenhookError('ZENHOOK_STAGE_UNKNOWN', { message: `The chain has no stage '${name}'` })

const stagesOf = (link: ChainLink, stages: readonly Stage[]): readonly Stage[] =>
  link.stages.map((name) => {
    const stage = stages.find((each) => each.name === name)
    if (stage === undefined) throw unknownStage(name)
    return stage
  })

const subscribe = async (
  link: ChainLink,
  options: ChainOptions,
  health: ReturnType<typeof createHealth>,
): Promise<Subscription> => {
  const { log, codec, context, metrics, maxRecords = defaultMaxRecords } = options
  const logger = options.logger?.child({ group: link.group })
  const stages = stagesOf(link, options.stages)
  const pauses = new Map<number, number>()
  const patience = createPatience(context, options.schemaPatienceMs ?? defaultSchemaPatienceMs)

  const nameOf = ({ topic, partition }: Batch): string => `${link.group} ${topic}/${partition}`
  const settlingOf = (batch: Batch): string => `${nameOf(batch)} settling`
  let closing = false
  const laters = new Map<number, Later>()
  const laterOf = (partition: number): Later => {
    const known = laters.get(partition)
    if (known !== undefined) return known
    const made = createLater({
      lingerMs: settleLingerMs,
      maxRecords: settleLingerRecords,
      settle: async (batch, fates) => {
        const tally = createTally(metrics)
        await settle(batch, fates, blamedOf(link), {
          codec,
          hash: context.hash,
          now: context.now,
          tally,
        })
        tally.report()
        health.good(settlingOf(batch))
      },
      onError: (error, batch) => {
        if (isNotOwner(error)) return
        const { code } = failureOf(error)
        health.bad(settlingOf(batch), messageOf(error), batch.signal)
        metrics?.stageErrors.inc({ stage: link.group, code })
        logger?.warn(
          { topic: batch.topic, partition: batch.partition, code, err: error },
          'what was decided cannot be settled now; it is tried again',
        )
      },
    })
    laters.set(partition, made)
    return made
  }

  /** Hands the batch's outputs on: at once as a whole where the log can, else what the next hop waits for first. */
  const conclude = async (batch: Batch, fates: readonly Fate[], work: BatchWork): Promise<void> => {
    if (log.capabilities.atomicSettle) return settle(batch, fates, blamedOf(link), work)
    const urgent = fates.flatMap(({ outputs }) => outputs.filter(isUrgent))
    try {
      if (urgent.length > 0) await log.append(urgent)
    } catch (error) {
      if (!isTooLarge(error)) throw error
      await laterOf(batch.partition).flush()
      for (const fate of fates) await settleOne(batch, fate, blamedOf(link), work, log)
      return
    }
    const rest = fates.map((fate) => ({
      ...fate,
      outputs: fate.outputs.filter((output) => !isUrgent(output)),
    }))
    const later = laterOf(batch.partition)
    await later.add(batch, rest)
    if (closing) await later.flush()
  }

  const onBatch = async (batch: Batch): Promise<{ redeliverAt: number } | undefined> => {
    const name = nameOf(batch)
    const tally = createTally(metrics)
    const waiting = patience(batch.partition)
    const span = options.tracer && openSpan(options.tracer, batch, link)
    let failed: string | undefined
    const work: BatchWork = {
      codec,
      hash: context.hash,
      now: context.now,
      stages,
      to: link.to,
      tally,
      signal: batch.signal,
      mayWait: waiting.mayWait,
    }
    try {
      const fates = await workBatch(batch.records, work)
      const again = fates.findIndex(({ retryAt }) => retryAt !== undefined)
      const done = again < 0 ? fates : fates.slice(0, again)
      await conclude(batch, done, work)
      if (again >= 0) await laterOf(batch.partition).flush()
      tally.report()
      pauses.delete(batch.partition)
      const retryAt = fates[again]?.retryAt
      if (retryAt === undefined) {
        health.good(name)
        waiting.settled()
        return undefined
      }
      health.bad(name, `waits for offset ${fates[again]?.record.offset}`, batch.signal)
      return { redeliverAt: retryAt }
    } catch (error) {
      // Shutdown and a partition that moved away are no failures: its next owner goes on from here.
      if (batch.signal.aborted || isNotOwner(error)) {
        health.good(name)
        return undefined
      }
      const pause = pauses.get(batch.partition) ?? firstPauseMs
      pauses.set(batch.partition, Math.min(pause * 2, longestPauseMs))
      const { stage, code, retryAfterMs } = failureOf(error)
      failed = code
      metrics?.stageErrors.inc({ stage: stage ?? link.group, code })
      logger?.warn(
        { topic: batch.topic, partition: batch.partition, code, err: error },
        'batch failed; it is retried',
      )
      health.bad(name, messageOf(error), batch.signal)
      // What comes again begins at what is settled: nothing that was done is done once more.
      await laterOf(batch.partition).flush()
      return { redeliverAt: context.now() + Math.max(pause, retryAfterMs) }
    } finally {
      span?.end({ error: failed })
    }
  }
  const subscription = await log.subscribe(
    {
      group: link.group,
      topics: [link.from],
      maxRecords,
      onGap: (gap) => {
        metrics?.gaps.inc({ group: gap.group, topic: gap.topic }, gap.until - gap.offset)
        logger?.error({ ...gap }, 'records were removed before they were read')
        recordGap(gap, link, options).catch((error: unknown) =>
          logger?.error({ ...gap, err: error }, 'the gap could not be recorded'),
        )
      },
      onError: (error) => logger?.warn({ err: error }, 'the subscription failed; it goes on'),
    },
    onBatch,
  )
  return {
    ready: () => subscription.ready(),
    close: async () => {
      closing = true
      // While the log is away nothing can be settled: then it comes again at the next start.
      await atMost(closeGraceMs, Promise.all([...laters.values()].map((later) => later.flush())))
      await subscription.close()
    },
  }
}

/** Of a batch: its records come from many traces, so it is linked to each and belongs to none. */
const openSpan = (tracer: Tracer, batch: Batch, link: ChainLink): OpenSpan => {
  const { topic, partition, records } = batch
  const { attributes, ...span } = tracer.messaging.process({
    ...{ topic, partition, group: link.group, records: records.length },
  })
  return tracer.start({
    ...span,
    attributes: { ...attributes, 'zenhook.stages': link.stages },
    links: records.map(({ headers }) => headers.traceparent),
  })
}

const failureOf = (error: unknown): { stage?: string; code: string; retryAfterMs: number } => {
  const stage = error instanceof StageUnavailable ? error.stage : undefined
  const cause = error instanceof StageUnavailable ? error.cause : error
  return {
    ...(stage !== undefined && { stage }),
    code: isZenhookError(cause) ? cause.code : 'ZENHOOK_STAGE_FAILED',
    retryAfterMs: (isZenhookError(cause) ? cause.retryAfterMs : undefined) ?? 0,
  }
}

/** The stage that made what a topic refuses. */
const blamedOf = ({ stages, group }: ChainLink): string => stages.at(-1) ?? group

const isNotOwner = (error: unknown): boolean => hasCode(error, 'ZENHOOK_LOG_NOT_OWNER')

/**
 * Records of a partition may wait for their schemas until the registry was away for so long; from then on
 * they die at once, until a batch passes that needed no waiting.
 */
const createPatience = ({ now }: Pick<StageContext, 'now'>, patienceMs: number) => {
  const since = new Map<number, number>()
  return (partition: number) => {
    let asked = false
    return {
      mayWait: (): boolean => {
        asked = true
        const start = since.get(partition) ?? now()
        since.set(partition, start)
        return now() - start < patienceMs
      },
      settled: (): void => {
        if (!asked) since.delete(partition)
      },
    }
  }
}

const recordGap = async (gap: Gap, link: ChainLink, options: ChainOptions): Promise<void> => {
  const { topic, partition, offset, until, group } = gap
  const record: StoredRecord = {
    topic,
    partition,
    offset,
    key: null,
    value: null,
    headers: {},
    timestamp: options.context.now(),
  }
  await options.log.append([
    deadRecord(options.codec, options.context.hash, {
      record,
      stage: link.stages[0] ?? link.group,
      error: new ZenhookError('ZENHOOK_LOG_GAP', {
        message: `Offsets ${offset} to ${until - 1} were removed before ${group} read them`,
      }),
      at: options.context.now(),
    }),
  ])
}
