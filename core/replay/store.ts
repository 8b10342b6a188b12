import { ZenhookError } from '../errors/index.ts'
import type { Kv } from '../kv/port.ts'
import type { JobState, Replay, ReplayJob, ReplaySpec } from './types.ts'

/** A job as it is kept: with its place, and who works on it. */
export interface KeptJob extends ReplayJob {
  cursor: unknown
  owner?: string
}

/** Jobs in keyed state: what was asked for once, what changes with every step by compare and set. */
export interface JobStore {
  add(job: KeptJob, spec: ReplaySpec): Promise<void>
  /** Ids, newest first. */
  ids(): Promise<readonly string[]>
  /** Index by index; `undefined` for a job whose life is over. */
  states(ids: readonly string[]): Promise<readonly (JobState | undefined)[]>
  list(): Promise<readonly Replay[]>
  /** Throws ZENHOOK_REPLAY_NOT_FOUND. */
  get(id: string): Promise<{ job: KeptJob; spec: ReplaySpec }>
  /** Changes what is there at that moment; `undefined` from `edit` leaves it. Gives what is there after. */
  change(id: string, edit: (job: KeptJob) => KeptJob | undefined): Promise<KeptJob>
}

const day = 24 * 3_600_000
const keptMs = 30 * day
/** Jobs that are listed; beyond them only those that have not ended. */
const mostListed = 200
const endedStates: readonly (JobState | undefined)[] = ['done', 'cancelled', 'failed', undefined]
const indexKey = 'replay/jobs'
const jobKey = (id: string): string => `replay/job/${id}`
const specKey = (id: string): string => `replay/spec/${id}`
/** Attempts of a compare and set against others. */
const rounds = 50

export const shownJob = ({ cursor: _, owner: __, ...job }: KeptJob, spec: ReplaySpec): Replay => ({
  ...job,
  spec,
})

export const createJobStore = (kv: Kv): JobStore => {
  const swap = async <T>(
    key: string,
    edit: (present: T | undefined) => T | undefined,
  ): Promise<T | undefined> => {
    for (let round = 0; round < rounds; round += 1) {
      const [text] = await kv.get([key])
      const present = text === undefined ? undefined : (JSON.parse(text) as T)
      const next = edit(present)
      if (next === undefined) return present
      const value = JSON.stringify(next)
      if (value === text) return next
      const [written] = await kv.replace([{ key, value, ttlMs: keptMs, expected: text }])
      if (written === true) return next
    }
    throw new ZenhookError('ZENHOOK_REPLAY_BUSY', { retriable: true })
  }

  const ids = async (): Promise<readonly string[]> => {
    const [text] = await kv.get([indexKey])
    return text === undefined ? [] : (JSON.parse(text) as string[])
  }

  const states: JobStore['states'] = async (wanted) => {
    const texts = await kv.get(wanted.map(jobKey))
    return texts.map((text) =>
      text === undefined ? undefined : (JSON.parse(text) as KeptJob).state,
    )
  }

  /** Of the ids that no longer have a place in the list those that nobody needs: an end is for good. */
  const droppable = async (): Promise<ReadonlySet<string>> => {
    const beyond = (await ids()).slice(mostListed - 1)
    if (beyond.length === 0) return new Set()
    const found = await states(beyond)
    return new Set(beyond.filter((_, index) => endedStates.includes(found[index])))
  }

  return {
    async add(job, spec) {
      await kv.set([
        { key: specKey(job.id), value: JSON.stringify(spec), ttlMs: keptMs },
        { key: jobKey(job.id), value: JSON.stringify(job), ttlMs: keptMs },
      ])
      const over = await droppable()
      await swap<readonly string[]>(indexKey, (known = []) => [
        job.id,
        ...known.filter((id) => !over.has(id)),
      ])
    },
    ids,
    states,
    async list() {
      const known = await ids()
      const texts = await kv.get(known.flatMap((id) => [jobKey(id), specKey(id)]))
      return known.flatMap((_, index) => {
        const [job, spec] = [texts[index * 2], texts[index * 2 + 1]]
        if (job === undefined || spec === undefined) return []
        return [shownJob(JSON.parse(job) as KeptJob, JSON.parse(spec) as ReplaySpec)]
      })
    },
    async get(id) {
      const [job, spec] = await kv.get([jobKey(id), specKey(id)])
      if (job === undefined || spec === undefined) throw noReplay(id)
      return { job: JSON.parse(job) as KeptJob, spec: JSON.parse(spec) as ReplaySpec }
    },
    async change(id, edit) {
      const changed = await swap<KeptJob>(jobKey(id), (job) => {
        if (job === undefined) throw noReplay(id)
        return edit(job)
      })
      if (changed === undefined) throw noReplay(id)
      return changed
    },
  }
}

export const noReplay = (id: string): ZenhookError =>
  new ZenhookError('ZENHOOK_REPLAY_NOT_FOUND', { message: `There is no replay ${id}` })

/** The right to run jobs: one process of a deployment has it at a time. */
export interface Lease {
  /** Takes or prolongs it; says until when it holds, 0 when somebody else has it. */
  take(now: number): Promise<number>
  release(): Promise<void>
}

const leaseKey = 'replay/runner'

export const createLease = (kv: Kv, owner: string, lifeMs: number): Lease => {
  const read = async (): Promise<{ text?: string; owner?: string; until: number }> => {
    const [text] = await kv.get([leaseKey])
    if (text === undefined) return { until: 0 }
    return { text, ...(JSON.parse(text) as { owner: string; until: number }) }
  }
  const write = async (text: string | undefined, until: number): Promise<boolean> => {
    const value = JSON.stringify({ owner, until })
    const [written] = await kv.replace([
      { key: leaseKey, value, ttlMs: lifeMs * 10, expected: text },
    ])
    return written === true
  }
  return {
    async take(now) {
      const held = await read()
      // Where there is one process only, a lease of another is one of the dead.
      const others =
        held.owner !== undefined && held.owner !== owner && kv.capabilities.multiProcess
      if (others && held.until > now) return 0
      return (await write(held.text, now + lifeMs)) ? now + lifeMs : 0
    },
    async release() {
      const held = await read()
      if (held.owner === owner) await write(held.text, 0)
    },
  }
}
