import { ends } from '../decisions/ends.ts'
import type { Log } from '../log/port.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'
import { beyond, wait } from './audit.ts'
import { examine, type Finding, firstLook, type Sources } from './examine.ts'
import { entryName, type Ledger, type OpenEntry, type Span } from './ledger.ts'
import { type Chunk, createRecent, readReceipts, receivedTopic } from './receipts.ts'
import { createTide, type Marks, type Tide } from './tide.ts'
import { addCounts, type Counts, type Hop, type Missed, noCounts, type Receipt } from './types.ts'

export interface PassOptions extends Sources {
  metrics: Pick<Metrics, 'gaps'>
  logger: Logger
  graceMs: number
  chunkSize: number
  maxOpen: number
  maxSpans: number
  patienceMs: number
}

export interface Passed {
  /** Records that were not looked at yet: they are young, or there is no room to remember more. */
  pending: number
  behind: Hop | undefined
}

/**
 * One pass over what has not ended: new records, open events that are due, ranges that are due. It belongs to
 * one ledger: after a failure both are made anew, for it remembers what the ledger has absorbed.
 */
export interface Pass {
  /** `save` keeps the ledger as it is; called now and then on a long way. */
  run(save: () => Promise<void>, signal: AbortSignal): Promise<Passed>
}

const mostExamined = 5_000
const saveEveryMs = 5_000
const firstRecheckMs = 30_000
const longestRecheckMs = 3_600_000
const bookmarkEveryMs = 600_000
const mostBookmarks = 1_000
const mostMissed = 100
/** So much of a chunk may be open before its ranges are remembered in the place of its events. */
const fewOpen = 1 / 4

export const createPass = (ledger: Ledger, options: PassOptions): Pass => {
  const { log, now, graceMs, chunkSize, maxOpen, maxSpans, metrics, logger } = options
  const recent = createRecent(100_000)
  let tide: Tide | undefined

  const missed = (gap: Missed): void => {
    const records = gap.until - gap.offset
    ledger.missed = [...ledger.missed, gap].slice(-mostMissed)
    ledger.missedRecords += records
    metrics.gaps.inc({ group: 'accounting', topic: gap.topic }, records)
    logger.error({ ...gap }, 'records were removed before they were accounted for')
  }

  /** Where reading goes on, and what retention has taken from there. */
  const beginnings = async (): Promise<Map<number, number>> => {
    const ends = new Map<number, number>()
    for (const { topic, partition, first, next } of await log.ends(receivedTopic)) {
      ends.set(partition, next)
      const cursor = ledger.cursors.get(partition)
      if (cursor !== undefined && cursor < first)
        missed({ topic, partition, offset: cursor, until: first })
      // A topic that was made anew begins anew.
      if (cursor === undefined || cursor < first || cursor > next)
        ledger.cursors.set(partition, first)
    }
    return ends
  }

  const bookmark = async (): Promise<void> => {
    const at = now()
    const last = ledger.bookmarks.at(-1)
    if (last !== undefined && at - last.at < bookmarkEveryMs) return
    const offsets = (await log.ends('dead')).map(
      ({ partition, next }) => [partition, next] as const,
    )
    ledger.bookmarks.push({ at, offsets })
    const oldest = Math.min(at - graceMs, ...[...ledger.open.values()].map((entry) => entry.at))
    const needed = ledger.bookmarks.findLastIndex((mark) => mark.at <= oldest)
    ledger.bookmarks = ledger.bookmarks.slice(Math.max(0, needed)).slice(-mostBookmarks)
  }

  const deadFrom = (receipts: readonly Receipt[]): Map<number, number> => {
    const oldest = Math.min(...receipts.map(({ at }) => at))
    // A second either way: clocks of two machines.
    return new Map(ledger.bookmarks.findLast(({ at }) => at <= oldest - 1_000)?.offsets)
  }

  const remember = (receipt: Receipt): void => {
    const name = entryName(receipt)
    if (ledger.open.has(name)) return
    ledger.open.set(name, { ...receipt, state: 'pending', due: 0, tries: 0 })
  }

  const fits = (more: number, looked: number): boolean =>
    ledger.open.size + more <= maxOpen &&
    (more <= looked * fewOpen || ledger.open.size + more <= maxOpen / 2)

  const absorb = async ({ receipts, through, holes }: Chunk): Promise<void> => {
    const fresh = receipts.filter((receipt) => !recent.seen(receipt))
    const { ended, open } = await firstLook(options, fresh)
    for (const hole of holes) missed(hole)
    addCounts(ledger.ended, ended)
    if (fits(open.length, fresh.length)) for (const receipt of open) remember(receipt)
    else ledger.spans.push(...spansOf(ledger.cursors, through, fresh, open, ended))
    ledger.cursors = new Map(through)
  }

  /** One span per partition. The counts of the chunk stand in the first: only their sum matters. */
  const spansOf = (
    from: ReadonlyMap<number, number>,
    through: ReadonlyMap<number, number>,
    fresh: readonly Receipt[],
    open: readonly Receipt[],
    ended: Counts,
    tries = 0,
  ): Span[] => {
    const spans: Span[] = []
    let due = now() + Math.min(firstRecheckMs * 2 ** tries, longestRecheckMs)
    // Ranges with one due come from one chunk: it tells them apart when they are read again.
    while (ledger.spans.some((span) => span.due === due)) due += 1
    const counts = new Map<number, number>()
    for (const { partition } of open) counts.set(partition, (counts.get(partition) ?? 0) + 1)
    const partitions = new Set(fresh.map(({ partition }) => partition))
    for (const [partition, to] of through) {
      const start = from.get(partition) ?? to
      if (start >= to || !partitions.has(partition)) continue
      spans.push({
        ...{ partition, from: start, to },
        ended: spans.length === 0 ? { ...ended } : noCounts(),
        open: counts.get(partition) ?? 0,
        due,
        tries: tries + 1,
      })
    }
    return spans
  }

  const readNew = async (
    to: ReadonlyMap<number, number>,
    save: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> => {
    const full = (): boolean => ledger.spans.length >= maxSpans
    if (full()) return
    const chunks = readReceipts(log, {
      ...{ from: ledger.cursors, to, chunkSize, signal },
      notAfter: now() - graceMs,
    })
    for await (const chunk of chunks) {
      await absorb(chunk)
      if (full()) return
      await save()
    }
  }

  /** Ranges of one chunk are read side by side, as they were at first: what came together is looked up together. */
  const reread = async (spans: readonly Span[], signal: AbortSignal): Promise<void> => {
    const firsts = await firstOffsets(log)
    const from = new Map<number, number>()
    let isWhole = true
    for (const { partition, from: offset, to } of spans) {
      const first = Math.min(firsts.get(partition) ?? offset, to)
      if (offset < first) {
        // Retention was faster than what would have ended there.
        missed({ topic: receivedTopic, partition, offset, until: first })
        isWhole = false
      }
      from.set(partition, Math.max(offset, first))
    }
    const to = new Map(spans.map((span) => [span.partition, span.to]))
    const ended = noCounts()
    const open: Receipt[] = []
    const all: Receipt[] = []
    for await (const { receipts } of readReceipts(log, { from, to, chunkSize, signal })) {
      const look = await firstLook(options, receipts)
      addCounts(ended, look.ended)
      for (const receipt of receipts) all.push(receipt)
      for (const receipt of look.open) open.push(receipt)
    }
    for (const end of ends) {
      const before = spans.reduce((sum, span) => sum + span.ended[end], 0)
      // What is gone cannot be counted again, and has been counted.
      ledger.ended[end] += isWhole ? ended[end] - before : Math.max(0, ended[end] - before)
    }
    const done = new Set(spans)
    ledger.spans = ledger.spans.filter((span) => !done.has(span))
    const tries = Math.max(...spans.map((span) => span.tries))
    if (fits(open.length, all.length)) for (const receipt of open) remember(receipt)
    else ledger.spans.push(...spansOf(from, to, all, open, ended, tries))
  }

  const readSpans = async (save: () => Promise<void>, signal: AbortSignal): Promise<void> => {
    const groups: Span[][] = []
    for (const span of ledger.spans) {
      if (span.due > now()) continue
      const last = groups.at(-1)
      const isOfLast =
        last?.[0]?.due === span.due && last.every(({ partition }) => partition !== span.partition)
      if (isOfLast) last.push(span)
      else groups.push([span])
    }
    for (const group of groups) {
      await reread(group, signal)
      await save()
    }
  }

  const settle = (entry: OpenEntry, finding: Finding): void => {
    const name = entryName(entry)
    if (finding.kind === 'ended') {
      ledger.open.delete(name)
      ledger.ended[finding.end] += 1
      return
    }
    const { cause: _cause, dispatches: _dispatches, ...rest } = entry
    const tries = entry.tries + 1
    const pause = Math.min(firstRecheckMs * 2 ** Math.min(entry.tries, 10), longestRecheckMs)
    if (finding.kind === 'unaccounted') {
      const { cause, dispatches } = finding
      ledger.open.set(name, {
        ...rest,
        state: 'unaccounted',
        cause,
        dispatches,
        tries,
        due: now() + pause,
      })
      return
    }
    const { state, nextAt } = finding
    if (state === 'pending') {
      // It waits for the tide, which is asked at every pass.
      ledger.open.set(name, entry.state === 'unaccounted' ? entry : { ...rest, state, due: 0 })
      return
    }
    const due = state === 'retrying' ? Math.max(nextAt, now()) + graceMs : now() + pause
    ledger.open.set(name, { ...rest, state, tries, due })
  }

  const lookAgain = async (signal: AbortSignal): Promise<Hop | undefined> => {
    const due = [...ledger.open.values()]
      .filter((entry) => entry.due <= now())
      .sort((a, b) => a.due - b.due || a.at - b.at)
      .slice(0, mostExamined)
    if (due.length === 0) {
      tide = undefined
      return undefined
    }
    tide ??= await createTide(log, options.flow, beyond(due), now())
    const running = tide
    const marks = await wait(running, options.patienceMs, signal)
    if (marks !== undefined) tide = undefined
    const groups: [OpenEntry[], Marks | undefined][] = [
      [due.filter((entry) => running.covers(entry)), marks],
      [due.filter((entry) => !running.covers(entry)), undefined],
    ]
    for (const [group, known] of groups) {
      if (group.length === 0) continue
      const found = await examine(options, group, {
        ...{ graceMs, signal, marks: known },
        deadFrom: deadFrom(group),
      })
      const entries = new Map(group.map((entry) => [entryName(entry), entry]))
      for (const finding of found) {
        const entry = entries.get(entryName(finding.receipt))
        if (entry !== undefined) settle(entry, finding)
      }
    }
    return marks === undefined ? running.behind() : undefined
  }

  const forget = async (): Promise<void> => {
    const firsts = await firstOffsets(log)
    for (const [name, entry] of ledger.open) {
      if (entry.state !== 'unaccounted' || entry.offset >= (firsts.get(entry.partition) ?? 0))
        continue
      ledger.open.delete(name)
      const { id, tenant, source, cause } = entry
      logger.error({ id, tenant, source, cause }, 'an event left the log unaccounted for')
    }
  }

  return {
    async run(saveLedger, signal) {
      const save = nowAndThen(saveLedger)
      await bookmark()
      const ends = await beginnings()
      await readNew(ends, save, signal)
      await readSpans(save, signal)
      const behind = await lookAgain(signal)
      await forget()
      let pending = 0
      for (const [partition, next] of ends)
        pending += Math.max(0, next - (ledger.cursors.get(partition) ?? next))
      return { pending, behind }
    },
  }
}

const nowAndThen = (save: () => Promise<void>): (() => Promise<void>) => {
  let savedAt = performance.now()
  return async () => {
    if (performance.now() - savedAt < saveEveryMs) return
    await save()
    savedAt = performance.now()
  }
}

const firstOffsets = async (log: Log): Promise<ReadonlyMap<number, number>> =>
  new Map((await log.ends(receivedTopic)).map(({ partition, first }) => [partition, first]))
