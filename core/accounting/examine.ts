import {
  countEnds,
  type End,
  endedDispatches,
  type Standing,
  standingsOf,
} from '../decisions/ends.ts'
import type { Decisions } from '../decisions/port.ts'
import type { Codec } from '../event/codec/index.ts'
import { timeOf } from '../event/index.ts'
import type { Log } from '../log/port.ts'
import { type Judgement, judge } from './judge.ts'
import { deadLettersOf, type Letter, waitingDispatches } from './search.ts'
import type { Marks } from './tide.ts'
import {
  addCounts,
  type Cause,
  type Counts,
  type Flow,
  noCounts,
  type OpenState,
  type Receipt,
} from './types.ts'

/** What accounting reads. */
export interface Sources {
  log: Log
  codec: Codec
  decisions: Decisions
  flow: Flow
  /** Milliseconds since the epoch. */
  now(): number
}

export interface Look {
  ended: Counts
  open: readonly Receipt[]
}

/** Of one run, and received at about one time. */
interface Cluster {
  run: string
  receipts: Map<string, Receipt>
  from: number
  to: number
}

/** So far apart, events are looked up apart: what lay in a spool comes among what is new. */
const gapMs = 2_000

const clustersOf = (receipts: readonly Receipt[]): readonly Cluster[] => {
  const clusters: Cluster[] = []
  const latest = new Map<string, Cluster>()
  for (const receipt of [...receipts].sort((a, b) => a.stamp - b.stamp)) {
    const { run, stamp, id } = receipt
    let cluster = latest.get(run)
    if (cluster === undefined || stamp - cluster.to > gapMs) {
      cluster = { run, receipts: new Map(), from: stamp, to: stamp }
      latest.set(run, cluster)
      clusters.push(cluster)
    }
    cluster.receipts.set(id, receipt)
    cluster.to = stamp
  }
  return clusters
}

/** Which events of a chunk have ended, by few queries: the common case is that all have. */
export const firstLook = async (
  { decisions }: Pick<Sources, 'decisions'>,
  receipts: readonly Receipt[],
): Promise<Look> => {
  const ended = noCounts()
  const open: Receipt[] = []
  for (const { run, receipts: byId, from, to } of clustersOf(receipts)) {
    // A record has the time at which its event was received.
    const answer = await countEnds(decisions, {
      ids: [...byId.keys()],
      ...{ run, from: Math.floor(from), to: Math.ceil(to) },
    })
    addCounts(ended, answer.ended)
    for (const id of answer.open) {
      const receipt = byId.get(id)
      if (receipt !== undefined) open.push(receipt)
    }
  }
  return { ended, open }
}

const spanOf = (times: readonly number[]): { from: number; to: number } => {
  let from = Number.POSITIVE_INFINITY
  let to = 0
  for (const at of times) {
    if (at < from) from = at
    if (at > to) to = at
  }
  return { from, to }
}

export type Finding =
  | { receipt: Receipt; kind: 'ended'; end: End }
  /** `nextAt`: when an attempt is due, ms; 0 where nothing says so. */
  | { receipt: Receipt; kind: 'open'; state: OpenState; nextAt: number }
  | { receipt: Receipt; kind: 'unaccounted'; cause: Cause; dispatches: readonly string[] }

export interface ExamineOptions {
  /** How late an attempt may be, ms. */
  graceMs: number
  /** Where the tide left off, once it is past; without it nothing is said to be lost. */
  marks: Marks | undefined
  /** Where dead letters of these events may begin, by partition. */
  deadFrom: ReadonlyMap<number, number>
  signal: AbortSignal
}

const hour = 3_600_000
/** How long the connectors know a dispatch, at least. */
const dispatchLifeMs = 9 * 24 * hour
const groupSize = 1_000

/** What became of each of these events, by all that the log and the tables know. */
export const examine = async (
  sources: Sources,
  receipts: readonly Receipt[],
  options: ExamineOptions,
): Promise<readonly Finding[]> => {
  const { decisions, now } = sources
  const findings: Finding[] = []
  const doubtful: Doubt[] = []
  for (const group of groupsOf(receipts)) {
    // An event that was received by a clock far ahead has that time in the tables; brokers take no such time.
    const times = group.flatMap(({ at, stamp, id }) => [at, stamp, timeOf(id) ?? at])
    const { from, to } = spanOf(times)
    const ids = [...new Set(group.map(({ id }) => id))]
    const standings = await standingsOf(decisions, { ids, from: from - hour, to: to + hour })
    for (const receipt of group) {
      const judgement = judge(standings.get(receipt.id) ?? [], receipt.run)
      const finding = settled(receipt, judgement, now() - options.graceMs)
      if (finding !== undefined) findings.push(finding)
      else doubtful.push({ receipt, missing: judgement.kind === 'open' ? judgement.missing : [] })
    }
  }
  return [...findings, ...(await resolve(sources, doubtful, options))]
}

/** An event without an end that nothing in the tables excuses. */
interface Doubt {
  receipt: Receipt
  /** None: nothing was decided. */
  missing: readonly Standing[]
}

const settled = (
  receipt: Receipt,
  judgement: Judgement,
  dueBefore: number,
): Finding | undefined => {
  switch (judgement.kind) {
    case 'ended':
      return { receipt, kind: 'ended', end: judgement.end }
    case 'contradiction':
      return {
        receipt,
        kind: 'unaccounted',
        cause: 'contradiction',
        dispatches: judgement.dispatches,
      }
    case 'undecided':
      return undefined
    case 'open': {
      const { missing } = judgement
      if (missing.some(({ nextAt }) => nextAt <= dueBefore)) return undefined
      const nextAt = Math.min(...missing.map((row) => row.nextAt))
      return { receipt, kind: 'open', state: 'retrying', nextAt }
    }
  }
}

const resolve = async (
  sources: Sources,
  doubtful: readonly Doubt[],
  { marks, deadFrom, graceMs, signal }: ExamineOptions,
): Promise<readonly Finding[]> => {
  if (doubtful.length === 0) return []
  if (marks === undefined)
    return doubtful.map(({ receipt }) => ({ receipt, kind: 'open', state: 'pending', nextAt: 0 }))
  const { log, codec, decisions, flow, now } = sources
  const waitingFor = doubtful.filter(({ missing }) => missing.length > 0)
  const ids = new Set(waitingFor.map(({ receipt }) => receipt.id))
  const waiting =
    ids.size === 0
      ? new Set<string>()
      : await waitingDispatches(log, codec, flow, marks, ids, signal)
  const { from } = spanOf(waitingFor.map(({ receipt }) => receipt.at))
  const ended = await endedDispatches(
    decisions,
    [...new Set(waitingFor.flatMap(({ missing }) => missing.map((row) => row.dispatchId)))],
    from - dispatchLifeMs,
  )
  const letters = await deadLettersOf(
    log,
    codec,
    deadFrom,
    new Set(doubtful.map(({ receipt }) => receipt.id)),
    signal,
  )
  const dueBefore = now() - graceMs
  return doubtful.map((doubt) =>
    findingOf(doubt, {
      excused: ({ dispatchId, nextAt }) => nextAt > dueBefore || waiting.has(dispatchId),
      ended: ({ dispatchId }) => ended.has(dispatchId),
      letters: letters.get(doubt.receipt.id) ?? [],
    }),
  )
}

interface Evidence {
  /** It lies in the log for its turn, or its attempt is not due yet. */
  excused(row: Standing): boolean
  ended(row: Standing): boolean
  letters: readonly Letter[]
}

const findingOf = ({ receipt, missing }: Doubt, evidence: Evidence): Finding => {
  const letters = evidence.letters.filter(({ run }) => run === receipt.run)
  if (missing.length === 0) {
    const dead = letters.some(({ stage }) => stage !== 'deliver' && stage !== 'sink')
    return dead
      ? { receipt, kind: 'ended', end: 'dead' }
      : { receipt, kind: 'unaccounted', cause: 'undecided', dispatches: [] }
  }
  const buried = letters.filter(({ stage }) => stage === 'deliver')
  const named = new Set(buried.map(({ dispatchId }) => dispatchId))
  const left = missing.filter((row) => !evidence.ended(row) && !named.has(row.dispatchId))
  const lost = left.filter((row) => !evidence.excused(row))
  // A record that could not be decoded does not say which dispatch it was.
  const nameless = buried.filter(({ dispatchId }) => dispatchId === undefined).length
  const unexplained = lost.slice(0, Math.max(0, lost.length - nameless))
  if (unexplained.length > 0)
    return {
      receipt,
      kind: 'unaccounted',
      cause: unexplained.some(({ retries }) => retries > 0) ? 'retry_lost' : 'dispatch_lost',
      dispatches: unexplained.map(({ dispatchId }) => dispatchId),
    }
  if (left.length > lost.length)
    return {
      receipt,
      kind: 'open',
      state: 'waiting',
      nextAt: Math.min(...left.map((row) => row.nextAt)),
    }
  return { receipt, kind: 'ended', end: buried.length > 0 ? 'dead' : 'delivered' }
}

/** Events of about one time together: a query looks at what was received around it. */
function* groupsOf(receipts: readonly Receipt[]): Generator<readonly Receipt[]> {
  const sorted = [...receipts].sort((a, b) => a.at - b.at)
  let group: Receipt[] = []
  for (const receipt of sorted) {
    const [first] = group
    if (first !== undefined && (group.length >= groupSize || receipt.at - first.at > hour)) {
      yield group
      group = []
    }
    group.push(receipt)
  }
  if (group.length > 0) yield group
}
