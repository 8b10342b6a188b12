import { sinkGroup } from '../decisions/sink.ts'
import { ZenhookError } from '../errors/index.ts'
import { type Dead, replayIdOf } from '../event/index.ts'
import type { ReplayContext } from './context.ts'
import type { DeadCursor } from './dead-steps.ts'
import { type Discarded, type DiscardRequest, discardLetters } from './discard.ts'
import {
  fits,
  type Letter,
  type LetterList,
  letterRanges,
  lettersBack,
  newestLetters,
  wholeLetters,
} from './letters.ts'
import { examine } from './plan.ts'
import { type Runner, startRunner } from './runner.ts'
import { countEvents } from './select.ts'
import { createJobStore, type KeptJob, noReplay, shownJob } from './store.ts'
import {
  type Caller,
  type DeadFilter,
  type JobState,
  noProgress,
  type Replay,
  type ReplayPlan,
  type ReplaySpec,
} from './types.ts'

export type { ReplayContext } from './context.ts'
export { maxReplays } from './dead-steps.ts'
export type { Discarded, DiscardRequest } from './discard.ts'
export {
  type Cause,
  causesOf,
  type Letter,
  type LetterList,
  type LetterState,
  letterStates,
} from './letters.ts'
export * from './types.ts'

/** Replays and dead letters, as the API and the command line have them. */
export interface Replays {
  /** Makes a job of it. Rejects with ZENHOOK_REPLAY_INVALID. */
  create(spec: ReplaySpec, caller: Caller): Promise<Replay>
  /** What it would do; changes nothing. */
  plan(spec: ReplaySpec, caller: Caller): Promise<ReplayPlan>
  /** Newest first; those of the last 30 days. */
  list(caller: Caller): Promise<readonly Replay[]>
  /** Rejects with ZENHOOK_REPLAY_NOT_FOUND, as for a replay beyond the caller's reach. */
  get(id: string, caller: Caller): Promise<Replay>
  /** What became of its dispatches (delivered, dead, dropped, pending), as far as the tables know. */
  outcomes(replay: Replay): Promise<Readonly<Record<string, number>>>
  /** These three reject with ZENHOOK_REPLAY_STATE when its state does not allow it. */
  pause(id: string, caller: Caller): Promise<Replay>
  resume(id: string, caller: Caller): Promise<Replay>
  /** What it has sent already goes on. */
  cancel(id: string, caller: Caller): Promise<Replay>
  /** The newest dead letters that fit. */
  letters(filter: DeadFilter, caller: Caller): Promise<LetterList>
  /** One letter with its bytes, if there is such a one within reach; looks through all that are retained, until `signal`. */
  letter(id: string, caller: Caller, signal?: AbortSignal): Promise<Letter | undefined>
  discard(request: DiscardRequest, caller: Caller, signal?: AbortSignal): Promise<Discarded>
  /** Lets steps under way end; their jobs go on in the next process. Idempotent. */
  close(): Promise<void>
}

export interface ReplaysOptions {
  context: ReplayContext
  /** Resolves once the configuration is read: no job runs before. */
  ready?: () => Promise<void>
  leaseMs?: number
  pollMs?: number
}

export const maxIds = 1_000
/** States that a job leaves for each wish. */
const leaves: Readonly<Record<'paused' | 'running' | 'cancelled', readonly JobState[]>> = {
  paused: ['queued', 'running'],
  running: ['paused'],
  cancelled: ['queued', 'running', 'paused'],
}

/** Serves replays, and runs them where this process has the lease. */
export const createReplays = ({ context, ...options }: ReplaysOptions): Replays => {
  const { kv, log, decisions, now, random } = context
  const store = createJobStore(kv)
  const runner: Runner = startRunner({ context, store, owner: random(16), ...options })

  const reach = async (id: string, { tenant }: Caller): Promise<KeptJob> => {
    const { job } = await store.get(id)
    if (tenant !== undefined && job.tenant !== tenant) throw noReplay(id)
    return job
  }
  const shown = async (id: string): Promise<Replay> => {
    const { job, spec } = await store.get(id)
    return shownJob(job, spec)
  }

  const control = async (
    id: string,
    caller: Caller,
    wish: 'paused' | 'running' | 'cancelled',
  ): Promise<Replay> => {
    await reach(id, caller)
    await store.change(id, (job) => {
      if (job.state === wish) return undefined
      if (!leaves[wish].includes(job.state)) {
        throw new ZenhookError('ZENHOOK_REPLAY_STATE', {
          message: `Replay ${id} is ${job.state}`,
        })
      }
      const ended = wish === 'cancelled' ? { endedAt: now() } : {}
      return { ...job, state: wish, ...ended }
    })
    runner.wake()
    return shown(id)
  }

  /** Records of `received` that the tables do not know yet. */
  const unstored = async (): Promise<number> => {
    const lags = await log.lag(sinkGroup)
    return lags
      .filter(({ topic }) => topic === 'received')
      .reduce((sum, { records }) => sum + records, 0)
  }

  const candidates = async (spec: ReplaySpec, caller: Caller): Promise<number> => {
    if (spec.ids !== undefined) return spec.ids.length
    if (spec.kind === 'events') return countEvents(decisions, spec.filter, caller)
    const { letters } = await newestLetters(context, spec.filter, caller)
    return letters.filter(({ state }) => state === 'open').length
  }

  const beginning = async (spec: ReplaySpec): Promise<DeadCursor | undefined> =>
    spec.kind === 'dead'
      ? {
          ranges: await letterRanges(log),
          ...(spec.ids === undefined ? {} : { left: [...new Set(spec.ids)] }),
        }
      : undefined

  /** What holds whatever happens while it runs: nothing that comes in later is taken along. */
  const closed = (spec: ReplaySpec): ReplaySpec => {
    const ids = spec.ids === undefined ? {} : { ids: [...new Set(spec.ids)] }
    return spec.kind === 'events'
      ? { ...spec, ...ids, filter: { ...spec.filter, until: spec.filter.until ?? now() } }
      : { ...spec, ...ids }
  }

  return {
    async create(wanted, caller) {
      checked(wanted, context)
      const spec = closed(wanted)
      const at = now()
      const job: KeptJob = {
        id: replayIdOf(at, random(20)),
        state: 'queued',
        by: caller.name,
        ...(caller.tenant === undefined ? {} : { tenant: caller.tenant }),
        createdAt: at,
        candidates: await candidates(spec, caller),
        unstored: spec.kind === 'events' && spec.ids === undefined ? await unstored() : 0,
        progress: noProgress,
        cursor: await beginning(spec),
      }
      await store.add(job, spec)
      runner.wake()
      return shownJob(job, spec)
    },
    async plan(wanted, caller) {
      checked(wanted, context)
      const spec = closed(wanted)
      const [found, behind, cursor] = await Promise.all([
        candidates(spec, caller),
        spec.kind === 'events' && spec.ids === undefined ? unstored() : 0,
        beginning(spec),
      ])
      return {
        candidates: found,
        unstored: behind,
        ...(await examine(context, spec, caller, cursor)),
      }
    },
    async list({ tenant }) {
      const jobs = await store.list()
      return tenant === undefined ? jobs : jobs.filter((job) => job.tenant === tenant)
    },
    async get(id, caller) {
      await reach(id, caller)
      return shown(id)
    },
    async outcomes({ id, range }) {
      const rows = await decisions.select<{ outcome: string; n: number | string }>(outcomesSql, {
        run: id,
        from: range?.from ?? 0,
        to: range?.to ?? now(),
      })
      return Object.fromEntries(rows.map(({ outcome, n }) => [outcome, Number(n)]))
    },
    pause: (id, caller) => control(id, caller, 'paused'),
    resume: (id, caller) => control(id, caller, 'running'),
    cancel: (id, caller) => control(id, caller, 'cancelled'),
    letters: (filter, caller) => newestLetters(context, filter, caller),
    async letter(id, caller, signal) {
      const named = (dead: Dead): boolean => dead.id === id && fits(dead, {}, caller)
      for await (const { letters } of lettersBack(context, named, signal))
        if (letters.length > 0) return (await wholeLetters(context, letters))[0]
      return undefined
    },
    discard: (request, caller, signal) => discardLetters(context, request, caller, signal),
    close: () => runner.close(),
  }
}

const time = (parameter: string): string => `fromUnixTimestamp64Milli({${parameter}:Int64}, 'UTC')`

const outcomesSql = `
  SELECT multiIf(made IN ('delivered', 'dead'), made, made = 'drop', 'dropped', 'pending') AS outcome,
    count() AS n
  FROM (SELECT event_id, dispatch_id, argMax(verdict, (stage = 'deliver', decisions.at, attempt)) AS made
    FROM decisions FINAL
    WHERE received_at >= ${time('from')} AND received_at <= ${time('to')}
      AND run = {run:String} AND dispatch_id != ''
    GROUP BY event_id, dispatch_id)
  GROUP BY outcome`

const invalid = (message: string, fix?: string): ZenhookError =>
  new ZenhookError('ZENHOOK_REPLAY_INVALID', { message, ...(fix === undefined ? {} : { fix }) })

const checked = (spec: ReplaySpec, { registry }: ReplayContext): void => {
  const { ids, filter } = spec
  if (ids !== undefined && (ids.length === 0 || ids.length > maxIds))
    throw invalid(`1 to ${maxIds} ids can be named`, 'Use a filter for more')
  const { since, until } = filter
  if (since !== undefined && until !== undefined && since >= until)
    throw invalid('since is not before until')
  if (spec.kind === 'dead') return
  if (ids === undefined && Object.values(filter).every((value) => value === undefined))
    throw invalid('Neither ids nor a filter say what to replay')
  const { tenant } = spec.filter
  const { to } = spec
  if (to !== undefined && tenant !== undefined && registry().destination(tenant, to) === undefined)
    throw invalid(`There is no destination ${tenant}/${to}`, 'Check --to against the configuration')
}
