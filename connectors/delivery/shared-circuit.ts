import {
  type BreakerOptions,
  breakerDefaults,
  type Counts,
  createRecent,
  isFailing,
  openTime,
} from './breaker.ts'
import { type Circuit, createLocalCircuit } from './circuit.ts'
import { awayMs, type Document, outrun } from './document.ts'

/** What processes tell each other about one receiver. */
export interface Trouble {
  /** While it is open, or probed. */
  open?: { until: number; openings: number }
  /** The one process that probes, and until when it may. */
  prober?: { owner: string; until: number }
  /** When it was last found well, ms: what was counted before is over. */
  closedAt?: number
  /** Of processes that saw failures, or of others' failures: when (ms), requests and failures of late. */
  counts: Readonly<Record<string, readonly [at: number, requests: number, failures: number]>>
}

export interface CircuitOptions {
  trouble: Document<Trouble>
  owner: string
  now: () => number
  /** A process that probes and is gone may be replaced after so long, ms. */
  leaseMs: number
  breaker?: BreakerOptions
  /** The receiver is well again, and is to be spared at first. */
  onClosed(): void
}

/** Failures are told so often at most, ms. */
const tellMs = 250
/** How often a process without failures looks whether others have some, ms. */
const peekMs = 2_000
/** How often it looks while another probes, ms. */
const watchMs = 500

type Work = () => ReturnType<Document<Trouble>['change']>

const sumOf = (counts: Trouble['counts']): Counts => {
  const sum = { requests: 0, failures: 0 }
  for (const [, requests, failures] of Object.values(counts)) {
    sum.requests += requests
    sum.failures += failures
  }
  return sum
}

/**
 * A breaker of all processes. It opens by what all saw that saw failures; a process that the receiver
 * serves well has its say too, so that trouble between one process and the receiver shuts out nobody else:
 * for that there is the process's own breaker below it. One process probes, the others watch. An attempt
 * costs no call: failures are told a few times per second, and while all is well each process looks every
 * other second. While keyed state is away, processes have their own breakers alone.
 */
export const createSharedCircuit = (options: CircuitOptions): Circuit => {
  const { trouble, owner, now, leaseMs, onClosed } = options
  const settings = { ...breakerDefaults, ...options.breaker }
  const recent = createRecent(settings.windowMs)
  const local = createLocalCircuit(onClosed, settings)
  let seen: Trouble = { counts: {} }
  let awayUntil = 0
  let outrunUntil = 0
  let readAt = Number.NEGATIVE_INFINITY
  let toldAt = Number.NEGATIVE_INFINITY
  let telling = false
  let asking: Promise<void> | undefined
  let tail: Promise<void> = Promise.resolve()
  let probing = 0
  let proven = 0

  const isProber = (at: number): boolean =>
    seen.open !== undefined && seen.prober?.owner === owner && seen.prober.until > at

  const startAnew = (): void => {
    recent.clear()
    local.reset()
    probing = 0
    proven = 0
  }

  const adopt = (value: Trouble | undefined): void => {
    const before = seen
    seen = value ?? { counts: {} }
    readAt = now()
    const isWell = seen.open === undefined
    if ((seen.closedAt ?? 0) > (before.closedAt ?? 0) && isWell) startAnew()
    if (before.open !== undefined && isWell) onClosed()
  }

  /** Where others were always faster it goes on by what it saw, and looks again. */
  const hear = (made: Awaited<ReturnType<Work>>): void => {
    if (made === outrun) outrunUntil = now() + watchMs
    else adopt(made)
  }

  /** One after the other: what was decided later is written later. */
  const exchange = (work: Work): Promise<void> => {
    tail = tail.then(work).then(hear, () => {
      awayUntil = now() + awayMs
    })
    return tail
  }

  const ask = (work: Work): Promise<void> => {
    asking ??= exchange(work).finally(() => {
      asking = undefined
    })
    return asking
  }

  const fresh = (value: Trouble | undefined, at: number): Trouble['counts'] =>
    Object.fromEntries(
      Object.entries(value?.counts ?? {}).filter(([, [told]]) => at - told < settings.windowMs),
    )

  /** Says what this process saw, and opens, or keeps closed, by what all saw. */
  const tell = (): Promise<void> => {
    toldAt = now()
    return exchange(() =>
      trouble.change((value) => {
        const at = now()
        if ((value?.closedAt ?? 0) > (seen.closedAt ?? 0)) recent.clear()
        const mine = recent.counts(at)
        const told = [at, mine.requests, mine.failures] as const
        const counts = { ...fresh(value, at), [owner]: told }
        const failing = isFailing(sumOf(counts), settings)
        if (value?.open !== undefined) {
          const isVeto = mine.requests >= settings.minRequests && !failing
          return isVeto ? { counts } : { ...value, counts }
        }
        const base = value?.closedAt === undefined ? {} : { closedAt: value.closedAt }
        if (!failing) return { ...base, counts }
        return { ...base, counts, open: { until: at + openTime(0, settings), openings: 1 } }
      }),
    )
  }

  const tellSoon = (): void => {
    if (telling) return
    const wait = toldAt + tellMs - now()
    if (wait <= 0) {
      void tell()
      return
    }
    telling = true
    setTimeout(() => {
      telling = false
      void tell()
    }, wait).unref()
  }

  const peek = (at: number): void => {
    if (at - readAt < peekMs || at < awayUntil) return
    readAt = at
    void exchange(() => trouble.read()).then(() => {
      const others = Object.keys(fresh(seen, now())).some((name) => name !== owner)
      if (others || seen.open !== undefined) tellSoon()
    })
  }

  const becomeProber = (): Promise<void> =>
    ask(() => {
      probing = 0
      proven = 0
      return trouble.change((value) => {
        const at = now()
        const { open, prober } = value ?? {}
        if (value === undefined || open === undefined || open.until > at) return undefined
        if (prober !== undefined && prober.owner !== owner && prober.until > at) return undefined
        return { ...value, prober: { owner, until: at + leaseMs } }
      })
    })

  return {
    look(at) {
      const { open, prober } = seen
      if (open === undefined || at < awayUntil) return local.look(at)
      if (at < open.until) return open.until
      if (isProber(at)) return probing + proven >= settings.probes ? at + watchMs : 0
      if (at < outrunUntil) return outrunUntil
      if (prober === undefined || prober.until <= at) return becomeProber()
      if (at - readAt >= watchMs) return ask(() => trouble.read())
      return at + watchMs
    },
    take(at) {
      if (isProber(at)) probing += 1
      else local.take(at)
    },
    succeeded(at) {
      if (!isProber(at)) {
        recent.add(false, at)
        local.succeeded(at)
        return peek(at)
      }
      probing = Math.max(0, probing - 1)
      proven += 1
      if (proven === settings.probes)
        void exchange(() => trouble.change(() => ({ counts: {}, closedAt: now() })))
    },
    failed(at) {
      if (!isProber(at)) {
        recent.add(true, at)
        local.failed(at)
        return tellSoon()
      }
      const openings = seen.open?.openings ?? 1
      const open = { until: at + openTime(openings, settings), openings: openings + 1 }
      // At once for this process, whenever the others hear of it.
      seen = { counts: seen.counts, open }
      void exchange(() => trouble.change((value) => ({ counts: value?.counts ?? {}, open })))
    },
    withdrawn() {
      if (isProber(now())) probing = Math.max(0, probing - 1)
      else local.withdrawn()
    },
  }
}
