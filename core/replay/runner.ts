import { isZenhookError, messageOf } from '../errors/index.ts'
import type { ReplayContext } from './context.ts'
import { type DeadCursor, type DeadStep, deadStep } from './dead-steps.ts'
import { eventStep } from './event-steps.ts'
import { writeMarks } from './letters.ts'
import { createLease, type JobStore, type KeptJob } from './store.ts'
import { addProgress, type ReplaySpec, type Step } from './types.ts'
import { marksAfter, progressOf, writePieces } from './write.ts'

export interface RunnerOptions {
  context: ReplayContext
  store: JobStore
  /** Names this process. */
  owner: string
  /** Resolves when jobs may run. */
  ready?: () => Promise<void>
  leaseMs?: number
  pollMs?: number
}

const stopped = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

export interface Runner {
  /** Looks for work at once. */
  wake(): void
  /** Lets steps under way end; their jobs go on in the next process. Idempotent. */
  close(): Promise<void>
}

/** Jobs at a time; the others wait for their turn. */
const mostAtOnce = 4
/** Events of one step, at most; a step takes about a quarter of a second at its rate. */
const largestStep = 100
const stepsPerSecond = 4
const longestPauseMs = 10_000

/**
 * Runs replays, in one process of a deployment at a time: the one that has the lease. Whatever happens to
 * it, the next goes on from the job's last checkpoint. A step writes its records first and its checkpoint
 * after; made twice, it makes the same records, which count once.
 */
export const startRunner = (options: RunnerOptions): Runner => {
  const { context, store, owner } = options
  const { leaseMs = 15_000, pollMs = 500 } = options
  const { now, logger } = context
  const lease = createLease(context.kv, owner, leaseMs)
  const stopping = new AbortController()
  const { signal } = stopping
  const running = new Map<string, Promise<void>>()
  /** Jobs that have ended: there is no way back. */
  const over = new Set<string>()
  let heldUntil = 0
  const holds = (): boolean => !signal.aborted && heldUntil > now()

  const sleepers = new Set<() => void>()
  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const done = (): void => {
        clearTimeout(timer)
        sleepers.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      sleepers.add(done)
    })
  const wake = (): void => {
    for (const done of [...sleepers]) done()
  }

  const mine = (job: KeptJob): boolean => job.owner === owner && job.state === 'running'

  const step = async (job: KeptJob, spec: ReplaySpec): Promise<Step> => {
    const limit = Math.min(largestStep, Math.max(1, Math.ceil(spec.rate / stepsPerSecond)))
    const stages = context.stagesOver(context.kv)
    const common = {
      ...{ context, stages, limit, signal },
      run: job.id,
      by: job.by,
      ...(job.tenant === undefined ? {} : { tenant: job.tenant }),
    }
    const made: Step & { marks?: DeadStep['marks'] } =
      spec.kind === 'events'
        ? await eventStep({ ...common, spec, cursor: job.cursor })
        : await deadStep({ ...common, spec, cursor: job.cursor as DeadCursor })
    if (!holds()) return made
    const refused = await writePieces(context.log, made.pieces)
    if (made.marks !== undefined) await writeMarks(context.kv, marksAfter(made.marks, refused))
    made.report()
    return { ...made, progress: addProgress(made.progress, progressOf(refused)) }
  }

  const checkpoint = (id: string, { progress, cursor, over, range }: Step): Promise<KeptJob> =>
    store.change(id, (present) => {
      // Another process has it: what it does is what counts.
      if (present.owner !== owner) return undefined
      const from = Math.min(present.range?.from ?? Infinity, range?.from ?? Infinity)
      const to = Math.max(present.range?.to ?? 0, range?.to ?? 0)
      return {
        ...present,
        progress: addProgress(present.progress, progress),
        cursor,
        ...(to === 0 ? {} : { range: { from, to } }),
        // It may have been paused or cancelled meanwhile: but what is through is done.
        ...(over ? { state: 'done', endedAt: now() } : {}),
      }
    })

  const run = async (id: string): Promise<void> => {
    let job = await store.change(id, (present) =>
      present.state === 'queued' || present.state === 'running'
        ? { ...present, state: 'running', owner, startedAt: present.startedAt ?? now() }
        : undefined,
    )
    const { spec } = await store.get(id)
    let due = now()
    let pause = 100
    while (mine(job) && holds()) {
      try {
        const made = await step(job, spec)
        if (!holds()) return
        job = await checkpoint(id, made)
        pause = 100
        const { missing, missingIds } = made.progress
        if (missing > 0) logger.warn({ replay: id, ids: missingIds }, 'not retained any more')
        // Whatever went through the chain has decisions, also where nothing is sent.
        due = Math.max(now(), due) + (made.pieces.length * 1000) / spec.rate
        for (let left = due - now(); left > 1 && mine(job) && holds(); left = due - now()) {
          await sleep(Math.min(left, pollMs))
          job = (await store.get(id)).job
        }
      } catch (error) {
        if (!holds()) return
        if (!isZenhookError(error) || !error.retriable) return await fail(id, error)
        logger.warn({ replay: id, error: error.message }, 'a replay waits for an engine')
        await sleep(pause)
        pause = Math.min(pause * 2, longestPauseMs)
        job = (await store.get(id)).job
      }
    }
    if (job.state !== 'running') logger.info({ replay: id, ...job.progress }, `replay ${job.state}`)
  }

  const fail = async (id: string, error: unknown): Promise<void> => {
    logger.error({ replay: id, err: error }, 'a replay failed')
    await store.change(id, (present) =>
      mine(present)
        ? { ...present, state: 'failed', error: messageOf(error).slice(0, 500), endedAt: now() }
        : undefined,
    )
  }

  const begin = (id: string): void => {
    const work = run(id)
      .catch((error: unknown) =>
        logger.warn({ replay: id, error: messageOf(error) }, 'a replay is interrupted'),
      )
      .finally(() => {
        running.delete(id)
        if (!signal.aborted) wake()
      })
    running.set(id, work)
  }

  const look = async (): Promise<void> => {
    if (heldUntil - now() < leaseMs / 2) heldUntil = await lease.take(now())
    if (!holds()) return
    const ids = (await store.ids()).filter((id) => !over.has(id) && !running.has(id))
    const states = await store.states(ids)
    // The oldest first.
    for (const [index, id] of [...ids.entries()].reverse()) {
      const state = states[index]
      if (state === 'queued' || state === 'running') {
        if (running.size < mostAtOnce) begin(id)
      } else if (state !== 'paused') over.add(id)
    }
  }

  const loop = (async () => {
    const ready = options.ready?.() ?? Promise.resolve()
    await Promise.race([ready, stopped(signal)])
    while (!signal.aborted) {
      try {
        await look()
      } catch (error) {
        heldUntil = 0
        logger.warn({ error: messageOf(error) }, 'replays wait for the state store')
      }
      await sleep(pollMs)
    }
  })()

  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    stopping.abort()
    wake()
    await Promise.all([loop, ...running.values()])
    await lease.release().catch(() => undefined)
  }
  return {
    wake,
    close() {
      closed ??= close()
      return closed
    },
  }
}
