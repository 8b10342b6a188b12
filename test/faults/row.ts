import { appendFileSync } from 'node:fs'
import { expect } from 'vitest'
import { broken, type Checker, createChecker, type Findings } from './check.ts'
import { type Line, type Load, startLoad, type Target } from './load.ts'
import { type Sampler, sampleOffsets } from './offsets.ts'
import type { Length } from './plan.ts'
import { createFaultRig, type FaultRig, type RigOptions } from './rig.ts'

/** One line of figures: what the table shows of a row that is run on the rig. */
export interface FaultRecord {
  rows: readonly string[]
  did: string
  sent: number
  acknowledged: number
  lost: number
  duplicates: number
  worstMs: number
  drainMs: number
  statuses: Readonly<Record<string, number>>
  /** What does not hold, by name; empty where all does. */
  broken: Readonly<Record<string, number>>
  /** Other figures of the row. */
  notes: Readonly<Record<string, number | string>>
}

export interface HoldOptions {
  /** How long the fault lasted: events have twice that to end, and a minute at least. */
  faultMs?: number
  /** What the row itself expects to differ, by the names of the findings. */
  except?: readonly (keyof Findings)[]
  notes?: Readonly<Record<string, number | string>>
  /** Of the offsets that the chain settled meanwhile. */
  samples?: Sampler
  /** Fewest acknowledged events with which the row says anything. */
  least?: number
}

export interface RowContext {
  rig: FaultRig
  checker: Checker
  length: Length
  /** What a length wants: the first in `ci`, the second in the longer ones. */
  pick<T>(ci: T, full: T): T
  /** The same of a number of events, of which a machine may take a share (`--share`) in the longer lengths. */
  share(ci: number, full: number): number
  /** Load on both sources of the tenant acme and on one that stays in order, at the rate of the length. */
  load(options?: LoadChoice): Load
  sampler(): Sampler
  /** Drains, checks every invariant, writes the row's figures down. */
  holds(did: string, lines: readonly Line[], options?: HoldOptions): Promise<Findings>
  /** Checks only that what was acknowledged lies in the log, and what was refused does not. */
  acknowledged(
    did: string,
    lines: readonly Line[],
    notes: Readonly<Record<string, number | string>>,
  ): Promise<void>
  /** The same row on another rig, which is started beside this one and ends with the row. */
  apart(options: RigOptions): Promise<RowContext>
  metric(name: string, labels?: string): Promise<number>
  /** Stops what the row has left running, however it ended. */
  end(): Promise<void>
  /** That events went to the spool since, and that nothing is left there. */
  wentThroughSpool(before: number): Promise<void>
}

export interface LoadChoice {
  targets?: readonly Target[]
  publicUrl?: (serial: number) => string
  perSecond?: number
  rampMs?: number
}

export interface Row {
  /** `F16, F24` */
  ids: readonly string[]
  title: string
  /** Time limits, ms. */
  limitMs: Readonly<Record<'ci' | 'full' | 'soak', number>>
  run(context: RowContext): Promise<void>
}

const perSecond = { ci: 50, full: 250, soak: 100 } as const
const shareOfLoad = Number(process.env.ZENHOOK_FAULTS_SHARE ?? 1)
const shortestDrainMs = 60_000
const slackPatienceMs = 3_000

export const contextOf = (
  row: Row,
  rig: FaultRig,
  checker: Checker,
  length: Length,
  recordFile: string | undefined,
): RowContext => {
  const metric = async (name: string, labels = ''): Promise<number> => {
    const text = await rig.running().page('/metrics')
    const start = `${name}${labels} `
    const line = text.split('\n').find((each) => each.startsWith(start))
    return Number(line?.slice(start.length) ?? Number.NaN)
  }
  /** Writes the figures down, and fails unless everything holds. */
  const judge = (
    did: string,
    found: Findings,
    { except, notes, least }: Required<Pick<HoldOptions, 'except' | 'notes' | 'least'>>,
  ): void => {
    const wrong = Object.fromEntries(
      Object.entries(broken(found)).filter(([name]) => !except.some((each) => each === name)),
    )
    const { sent, acknowledged, lost, duplicates, worstMs, drainMs, statuses } = found
    const figures = {
      sent,
      acknowledged,
      lost: lost.length,
      duplicates,
      worstMs,
      drainMs,
      statuses,
    }
    const record: FaultRecord = { rows: row.ids, did, ...figures, broken: wrong, notes }
    if (recordFile !== undefined) appendFileSync(recordFile, `${JSON.stringify(record)}\n`)
    process.stdout.write(`${row.ids.join(', ')} ${JSON.stringify(record)}\n`)
    expect(wrong, JSON.stringify(shorten(found))).toEqual({})
    expect(acknowledged).toBeGreaterThanOrEqual(least)
  }
  const loads: Load[] = []
  const samplers: Sampler[] = []
  const others: Promise<RowContext>[] = []
  const owned: FaultRig[] = []
  const share = (ci: number, full: number): number =>
    length === 'ci' ? ci : Math.ceil(full * shareOfLoad)
  return {
    ...{ rig, checker, length, metric, share },
    pick: (ci, full) => (length === 'ci' ? ci : full),
    load: (choice = {}) => {
      const started = startLoad({
        targets: choice.targets ?? [rig.targets.github, rig.targets.slack, rig.targets.line],
        publicUrl: choice.publicUrl ?? (() => rig.running().publicUrl),
        perSecond: choice.perSecond ?? share(perSecond.ci, perSecond[length]),
        ...(choice.rampMs !== undefined && { rampMs: choice.rampMs }),
      })
      loads.push(started)
      return started
    },
    sampler: () => {
      const started = sampleOffsets(rig)
      samplers.push(started)
      return started
    },
    async end() {
      await Promise.all([...loads, ...samplers].map((each) => each.stop()))
      // One that never came about has closed itself.
      const came = await Promise.allSettled(others.splice(0))
      for (const each of came) if (each.status === 'fulfilled') await each.value.end()
      await Promise.all(owned.splice(0).map((each) => each.close()))
    },
    apart(options) {
      const make = async (): Promise<RowContext> => {
        const own = await createFaultRig(options)
        owned.push(own)
        await own.start()
        const ownChecker = createChecker(own)
        ownChecker.begin()
        return contextOf(row, own, ownChecker, length, recordFile)
      }
      const made = make()
      others.push(made)
      return made
    },
    async holds(did, lines, options = {}) {
      const { faultMs = 0, except = [], notes = {}, least = 100 } = options
      const drainMs = Math.max(shortestDrainMs, 2 * faultMs)
      const found = await checker.findings(lines, drainMs, await options.samples?.stop())
      judge(did, found, { except, notes, least })
      return found
    },
    async acknowledged(did, lines, notes) {
      judge(did, await checker.stored(lines), { except: [], notes, least: 1_000 })
    },
    metric,
    async wentThroughSpool(before) {
      expect(await metric('zenhook_spool_written_total')).toBeGreaterThan(before)
      expect(await metric('zenhook_spool_records')).toBe(0)
    },
  }
}

/** Lists as far as a reader of a failure wants them. */
const shorten = (found: Findings): object =>
  Object.fromEntries(
    Object.entries(found).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.slice(0, 5) : value,
    ]),
  )

/** Which answers came to requests of which second of the load. */
const timelineOf = (some: readonly Line[], all: readonly Line[]): string => {
  const start = all.reduce((least, { sentAt }) => Math.min(least, sentAt), Number.POSITIVE_INFINITY)
  const counts = new Map<string, number>()
  for (const { sentAt, status, failure } of some) {
    const answer = status === 0 ? failure : status
    const key = `second ${Math.floor((sentAt - start) / 1_000)}: ${answer}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return [...counts].map(([key, count]) => `${key} × ${count}`).join(', ')
}

/**
 * Of what was not forged: nothing is refused, and Slack is answered while it listens; or every source is
 * answered as soon as that.
 */
export const answersAll = (load: Load, soon: 'slack' | 'every source' = 'slack'): void => {
  const lines = load.lines()
  const genuine = lines.filter(({ forged }) => !forged)
  const unanswered = genuine.filter(({ status }) => status !== 202)
  expect(unanswered.length, timelineOf(unanswered, lines)).toBe(0)
  const late = genuine
    .filter(({ source }) => soon === 'every source' || source === 'slack')
    .map((line) => ({ tookMs: line.ackAt - line.sentAt, machineMs: load.machineMs(line) }))
    .filter(({ tookMs, machineMs }) => tookMs - machineMs >= slackPatienceMs)
  expect(late).toEqual([])
  expect(lines.filter(({ forged, status }) => forged && status !== 401).slice(0, 5)).toEqual([])
}
