import { setTimeout as sleep } from 'node:timers/promises'
import { examine, firstLook, type Sources } from './examine.ts'
import { createRecent, readReceipts, receivedTopic } from './receipts.ts'
import { createTide, type Marks, type Tide } from './tide.ts'
import {
  addCounts,
  type Counts,
  type Hop,
  type Missed,
  noCounts,
  type OpenCounts,
  type Receipt,
  type Unaccounted,
} from './types.ts'

export interface AuditFilter {
  /** Received at or after, ms. */
  since?: number
  /** Received before, ms. */
  until?: number
  tenant?: string
  source?: string
}

export interface AuditOptions extends Sources {
  graceMs: number
  signal: AbortSignal
  /** Events that lie in spools and not in the log yet. */
  spooled(): Promise<number>
  chunkSize?: number
  /** How long it is waited for groups that are behind, ms; 30,000 by default. */
  patienceMs?: number
}

export interface AuditReport {
  events: number
  ended: Counts
  open: OpenCounts & { spooled: number }
  unaccounted: number
  /** Offsets that retention removed before they could be read; some of them may lie outside the range. */
  gaps: readonly Missed[]
  /** The group that kept some events from being judged: they are among the pending. */
  behind?: Hop
  tookMs: number
}

export type AuditStep =
  | { kind: 'progress'; read: number; of: number }
  | { kind: 'unaccounted'; event: Unaccounted }
  | { kind: 'report'; report: AuditReport }

const batchOfDoubts = 2_000
const pollMs = 200

/** Accounts for every event of a range of the log, now: each that is unaccounted for as it is found, and the counts at last. */
export async function* audit(
  options: AuditOptions,
  filter: AuditFilter = {},
): AsyncGenerator<AuditStep> {
  const { log, now, signal, graceMs, chunkSize = 4_000, patienceMs = 30_000 } = options
  const startedAt = now()
  const to = new Map<number, number>()
  const from = new Map<number, number>()
  const report = {
    events: 0,
    ended: noCounts(),
    open: { pending: 0, retrying: 0, waiting: 0, spooled: await options.spooled() },
    unaccounted: 0,
    gaps: [] as Missed[],
  }
  let of = 0
  const { since } = filter
  const places = since === undefined ? undefined : await log.since?.(receivedTopic, since)
  for (const { partition, first, next } of await log.ends(receivedTopic)) {
    const begin =
      since === undefined
        ? first
        : (places?.get(partition) ?? (await offsetAt(options, partition, first, next, since)))
    // What the range begins with may have been among what is gone.
    if (since !== undefined && begin === first && first > 0)
      report.gaps.push({ topic: receivedTopic, partition, offset: 0, until: first })
    from.set(partition, begin)
    to.set(partition, next)
    of += next - begin
  }
  const dead = new Map<number, number>()
  const wanted = (receipt: Receipt): boolean =>
    receipt.at >= (filter.since ?? 0) &&
    receipt.at < (filter.until ?? Number.POSITIVE_INFINITY) &&
    (filter.tenant === undefined || receipt.tenant === filter.tenant) &&
    (filter.source === undefined || receipt.source === filter.source)
  const recent = createRecent(100_000)
  let behind: Hop | undefined
  let read = 0
  let doubts: Receipt[] = []

  async function* resolveDoubts(): AsyncGenerator<AuditStep> {
    const taken = doubts
    doubts = []
    if (taken.length === 0) return
    const young = taken.filter(({ at }) => at > now() - graceMs)
    const old = taken.filter(({ at }) => at <= now() - graceMs)
    const tide = await createTide(log, options.flow, beyond(taken), now())
    // A group that was waited for once, in vain, is not waited for again with every batch.
    const patience = behind === undefined ? patienceMs : 0
    const marks = old.length === 0 ? undefined : await wait(tide, patience, signal)
    if (old.length > 0 && marks === undefined) behind = tide.behind()
    const groups: [readonly Receipt[], Marks | undefined][] = [
      [young, undefined],
      [old, marks],
    ]
    for (const [group, known] of groups)
      for (const finding of await examine(options, group, {
        graceMs,
        marks: known,
        deadFrom: dead,
        signal,
      })) {
        if (finding.kind === 'ended') report.ended[finding.end] += 1
        else if (finding.kind === 'open') report.open[finding.state] += 1
        else {
          report.unaccounted += 1
          yield { kind: 'unaccounted', event: unaccounted(finding) }
        }
      }
  }

  yield { kind: 'progress', read, of }
  let passed = new Map(from)
  const chunks = readReceipts(log, { from, to, chunkSize, signal })
  for await (const { receipts, through, holes } of chunks) {
    report.gaps.push(...holes)
    for (const [partition, offset] of through) {
      read += offset - (passed.get(partition) ?? offset)
    }
    passed = new Map(through)
    const fresh = receipts.filter((receipt) => wanted(receipt) && !recent.seen(receipt))
    report.events += fresh.length
    const { ended, open } = await firstLook(options, fresh)
    addCounts(report.ended, ended)
    for (const receipt of open) doubts.push(receipt)
    if (doubts.length >= batchOfDoubts) yield* resolveDoubts()
    yield { kind: 'progress', read, of }
  }
  yield* resolveDoubts()
  yield {
    kind: 'report',
    report: { ...report, ...(behind === undefined ? {} : { behind }), tookMs: now() - startedAt },
  }
}

/** Behind the furthest of these, by partition. */
export const beyond = (receipts: readonly Receipt[]): Map<number, number> => {
  const found = new Map<number, number>()
  for (const { partition, offset } of receipts)
    found.set(partition, Math.max(found.get(partition) ?? 0, offset + 1))
  return found
}

/** Until the tide is out, or patience is over. */
export const wait = async (
  tide: Tide,
  patienceMs: number,
  signal: AbortSignal,
): Promise<Marks | undefined> => {
  const until = performance.now() + patienceMs
  for (;;) {
    const marks = await tide.poll()
    if (marks !== undefined || performance.now() >= until) return marks
    await sleep(pollMs, undefined, { signal })
  }
}

export const unaccounted = ({
  receipt,
  cause,
  dispatches,
}: Pick<Unaccounted, 'cause' | 'dispatches'> & { receipt: Receipt }): Unaccounted => ({
  id: receipt.id,
  tenant: receipt.tenant,
  source: receipt.source,
  run: receipt.run,
  receivedAt: new Date(receipt.at).toISOString(),
  position: { topic: receivedTopic, partition: receipt.partition, offset: receipt.offset },
  cause,
  dispatches,
})

const probed = 200
/** Records carry the time of receipt: one that waited in a spool is older than its neighbours. */
const marginMs = 600_000

/** An offset below which everything was received before, as far as nothing waited in a spool for longer than the margin. */
const offsetAt = async (
  { log, signal }: Pick<AuditOptions, 'log' | 'signal'>,
  partition: number,
  first: number,
  next: number,
  since: number,
): Promise<number> => {
  let low = first
  let high = next
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    let newest: number | undefined
    const position = { topic: receivedTopic, partition, offset: middle }
    for await (const { timestamp } of log.read(position, Math.min(high, middle + probed), signal))
      newest = Math.max(newest ?? 0, timestamp)
    if (newest === undefined || newest >= since - marginMs) high = middle
    else low = middle + 1
  }
  return low
}
