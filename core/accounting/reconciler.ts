import { setTimeout as sleep } from 'node:timers/promises'
import { ends } from '../decisions/ends.ts'
import { messageOf } from '../errors/index.ts'
import type { Kv } from '../kv/port.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'
import { unaccounted } from './audit.ts'
import type { Sources } from './examine.ts'
import { createLease } from './lease.ts'
import { createLedgerStore, type Ledger } from './ledger.ts'
import { createPass, type Pass } from './pass.ts'
import { spooledEvents } from './spools.ts'
import { type Counts, type Hop, noCounts, type OpenCounts, type Unaccounted } from './types.ts'

export interface AccountingOptions extends Sources {
  kv: Kv
  metrics: Metrics
  logger: Logger
  /** Names this process and its life. */
  owner: string
  /** Between two runs, ms; 30,000 by default. */
  intervalMs?: number
  /** How old an event must be, and how late an attempt, before it can count as unaccounted for, ms; 60,000 by default. */
  graceMs?: number
  /** After so long without a word of the process that accounts, another one does, ms. */
  leaseMs?: number
  /** Events looked up at once. */
  chunkSize?: number
  /** Open events that are remembered by name; of more, their ranges are. */
  maxOpen?: number
  maxSpans?: number
  /** How long a run waits for groups that are behind, ms. */
  patienceMs?: number
}

export interface AccountingReport {
  ended: Readonly<Counts>
  open: OpenCounts & { spooled: number }
  /** All of them by count, the first by name. */
  unaccounted: number
  named: readonly Unaccounted[]
  missedRecords: number
  behind?: Hop
  at: number
  tookMs: number
}

export interface Accounting {
  /** Accounts now; `undefined` where another process does. Runs never overlap. */
  run(): Promise<AccountingReport | undefined>
  /** Why the last run failed; `undefined` where it did not. */
  trouble(): string | undefined
  close(): Promise<void>
}

const mostNamed = 20
const sayAgainMs = 3_600_000

/**
 * Accounts for every event of `received`, now and at each interval, in the one process of a deployment that
 * holds the lease. What it has read it never reads again, but for what had not ended then.
 */
export const startAccounting = (options: AccountingOptions): Accounting => {
  const { kv, metrics, logger, now, owner, intervalMs = 30_000 } = options
  // Whoever accounts holds it until its next run: another one would begin from what that has written last.
  const leaseMs = options.leaseMs ?? Math.max(30_000, 2 * intervalMs)
  const lease = createLease({ kv, key: 'accounting:lease', owner, leaseMs })
  const store = createLedgerStore(kv, owner)
  const stopping = new AbortController()
  let known: { ledger: Ledger; pass: Pass } | undefined
  let trouble: string | undefined
  let said = { names: '', at: 0 }

  const open = async (): Promise<{ ledger: Ledger; pass: Pass }> => {
    const ledger = await store.load()
    if (!isTelling) told = { ...ledger.ended }
    isTelling = true
    const pass = createPass(ledger, {
      ...options,
      graceMs: options.graceMs ?? 60_000,
      chunkSize: options.chunkSize ?? 4_000,
      maxOpen: options.maxOpen ?? 10_000,
      maxSpans: options.maxSpans ?? 20_000,
      patienceMs: options.patienceMs ?? 10_000,
    })
    return { ledger, pass }
  }

  /** Holds the lease while the work goes on; the signal says that it is lost, or that all ends. */
  const whileHeld = async <T>(
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> => {
    if (!(await lease.hold())) {
      // What another process writes now is not what we remember.
      if (known !== undefined) untell()
      known = undefined
      return undefined
    }
    const lost = new AbortController()
    const holding = setInterval(() => {
      lease
        .hold()
        .then((ours) => ours || lost.abort())
        .catch(() => lost.abort())
    }, leaseMs / 3)
    holding.unref()
    try {
      return await work(AbortSignal.any([lost.signal, stopping.signal]))
    } finally {
      clearInterval(holding)
    }
  }

  const account = async (signal: AbortSignal): Promise<AccountingReport | undefined> => {
    const startedAt = now()
    known ??= await open()
    const { ledger, pass } = known
    const save = async (): Promise<void> => {
      signal.throwIfAborted()
      if (!(await store.save(ledger))) throw new Superseded()
    }
    try {
      const { pending, behind } = await pass.run(save, signal)
      await save()
      return reportOf(ledger, startedAt, pending, behind, await spooledEvents(kv))
    } catch (error) {
      // In doubt of what is kept, it is read again.
      known = undefined
      if (error instanceof Superseded) isTelling = false
      if (error instanceof Superseded || signal.aborted) return undefined
      throw error
    }
  }

  const reportOf = (
    ledger: Ledger,
    startedAt: number,
    pending: number,
    behind: Hop | undefined,
    spooled: number,
  ): AccountingReport => {
    const open = { pending, retrying: 0, waiting: 0, spooled }
    const named: Unaccounted[] = []
    let count = 0
    for (const entry of ledger.open.values()) {
      if (entry.state !== 'unaccounted') open[entry.state] += 1
      else {
        count += 1
        const { cause = 'undecided', dispatches = [] } = entry
        if (named.length < mostNamed) named.push(unaccounted({ receipt: entry, cause, dispatches }))
      }
    }
    for (const span of ledger.spans) open.pending += span.open
    const at = now()
    return {
      ended: { ...ledger.ended },
      open,
      unaccounted: count,
      named,
      missedRecords: ledger.missedRecords,
      ...(behind === undefined ? {} : { behind }),
      at,
      tookMs: at - startedAt,
    }
  }

  let told: Counts = noCounts()
  /** What the ledger has grown by since is ours to tell, also where it is read again after a fault. */
  let isTelling = false
  /** Another process accounts now, and tells. */
  const untell = (): void => {
    isTelling = false
    metrics.unaccounted.set(0)
    metrics.openEvents.reset()
    metrics.accountingRun.set(0)
  }
  const tell = (report: AccountingReport): void => {
    metrics.unaccounted.set(report.unaccounted)
    for (const [state, count] of Object.entries(report.open))
      metrics.openEvents.set({ state }, count)
    for (const state of ends) {
      const more = report.ended[state] - told[state]
      if (more > 0) metrics.endedEvents.inc({ state }, more)
      told[state] = report.ended[state]
    }
    metrics.accountingRun.set(report.at / 1000)
    metrics.accountingSeconds.set(report.tookMs / 1000)
    if (report.unaccounted === 0) {
      if (said.names !== '') logger.info({}, 'every accepted event is accounted for again')
      said = { names: '', at: 0 }
      return
    }
    const ids = report.named.map(({ id }) => id)
    const names = `${report.unaccounted} ${ids.join(' ')}`
    if (names === said.names && report.at - said.at < sayAgainMs) return
    said = { names, at: report.at }
    const causes = [...new Set(report.named.map(({ cause }) => cause))]
    logger.error({ events: report.unaccounted, ids, causes }, 'accepted events are unaccounted for')
  }

  const once = async (): Promise<AccountingReport | undefined> => {
    if (stopping.signal.aborted) return undefined
    try {
      const report = await whileHeld(account)
      trouble = undefined
      if (report !== undefined) tell(report)
      return report
    } catch (error) {
      trouble = messageOf(error)
      throw error
    }
  }

  let last: Promise<unknown> = Promise.resolve()
  const run = (): Promise<AccountingReport | undefined> => {
    const next = last.then(once)
    last = next.catch(() => undefined)
    return next
  }

  const loop = async (): Promise<void> => {
    const { signal } = stopping
    while (!signal.aborted) {
      await sleep(intervalMs, undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted) return
      await run().catch((error: unknown) =>
        logger.warn(
          { error: messageOf(error) },
          'events could not be accounted for; it is tried again',
        ),
      )
    }
  }
  const looping = loop()

  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    stopping.abort()
    await looping
    await last
    await lease.release().catch(() => undefined)
  }
  return {
    run,
    trouble: () => trouble,
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

/** Another process has written the ledger. */
class Superseded extends Error {}
