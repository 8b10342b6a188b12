import { awayMs, type Document, outrun } from './document.ts'

/** By process: attempts it may have under way, until when that holds (ms), and whether it wants more. */
export type Holdings = Readonly<
  Record<string, readonly [held: number, until: number, wants: boolean]>
>

export interface SlotsOptions {
  holdings: Document<Holdings>
  /** Names this process. */
  owner: string
  now: () => number
  /** What a process holds that is gone is free again after so long, ms: longer than an attempt. */
  leaseMs: number
}

/** Attempts at once, of all processes together. */
export interface Slots {
  /** 0: there is room; a time (ms): look again then; a promise: look again when it has resolved. */
  look(concurrent: number, now: number): number | Promise<void>
  take(): void
  give(): void
  close(): Promise<void>
}

const renewMs = 1_000
const lookAgainMs = 50
/** With as much as its share, a process asks less often for more. */
const contentMs = 250
/** Room that was given up for others is left to them for so long. */
const yieldMs = 75

/**
 * Slots are held by processes, not by attempts: a process asks when it has too few, and gives back each
 * second what it did not use. Where several want more than there is, each comes to its share; where there
 * are fewer slots than processes, a slot changes hands after each attempt.
 */
export const createSlots = ({ holdings, owner, now, leaseMs }: SlotsOptions): Slots => {
  let held = 0
  let heldUntil = 0
  let used = 0
  let peak = 0
  let wanted = 0
  let shortUntil = 0
  let emptyUntil = 0
  let awayUntil = 0
  let limit = 1
  let participants = 1
  let contested = false
  let asking: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false

  const fair = (): number => Math.max(1, Math.floor(limit / participants))

  /**
   * Writes what this process holds from now on; `want` more if there is room, else what it needs. What it gives up it
   * uses no more while that is being written: others may have it before we hear so.
   */
  const declare = async (want: number): Promise<void> => {
    let next = held
    let wants = false
    const made = await holdings.change((value) => {
      const at = now()
      const others = Object.entries(value ?? {}).filter(
        ([name, [, until]]) => name !== owner && until > at,
      )
      participants = others.length + 1
      contested = others.some(([, [, , wanting]]) => wanting)
      const taken = others.reduce((sum, [, [count]]) => sum + count, 0)
      const most = Math.min(contested ? fair() : limit, Math.max(0, limit - taken))
      const needed = want > 0 ? used + want : Math.max(peak, used)
      next = Math.max(used, Math.min(needed, most))
      wants = needed > next || at < shortUntil
      held = Math.min(held, next)
      const rest = Object.fromEntries(others)
      if (next > 0 || wants) return { ...rest, [owner]: [next, at + leaseMs, wants] as const }
      return value?.[owner] === undefined ? undefined : rest
    })
    const at = now()
    if (made === outrun) {
      // There for the others: this process, too, keeps to what it has, and looks again.
      emptyUntil = at + lookAgainMs
      schedule()
      return
    }
    held = next
    heldUntil = at + leaseMs
    peak = used
    if (want > 0 && wants) {
      shortUntil = at + renewMs
      emptyUntil = at + (held >= fair() ? contentMs : lookAgainMs)
    }
    if (held > 0 || at < shortUntil) schedule()
  }

  const attemptTo = async (want: number): Promise<void> => {
    try {
      await declare(want)
    } catch {
      awayUntil = now() + awayMs
      // More may be written of it than it holds now.
      schedule()
    }
  }

  function schedule(): void {
    if (timer !== undefined || closed) return
    timer = setTimeout(() => {
      timer = undefined
      attemptTo(0).finally(() => {
        if (held > 0) schedule()
      })
    }, renewMs)
    timer.unref()
  }

  const ask = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve))
    const want = wanted
    wanted = 0
    await attemptTo(want)
  }

  return {
    look(concurrent, at) {
      limit = concurrent
      // While keyed state is away, each process counts for itself.
      if (at < awayUntil) return 0
      if (used < held && at < heldUntil) return 0
      if (at < emptyUntil) return emptyUntil
      wanted += 1
      asking ??= ask().finally(() => {
        asking = undefined
      })
      return asking
    },
    take() {
      used += 1
      peak = Math.max(peak, used)
    },
    give() {
      used -= 1
      if (!contested || (held <= fair() && participants <= limit)) return
      held = Math.max(used, held - 1)
      peak = Math.min(peak, held)
      emptyUntil = now() + yieldMs
      void attemptTo(0)
    },
    async close() {
      closed = true
      clearTimeout(timer)
      if (held === 0) return
      await holdings
        .change((value) => {
          const { [owner]: _, ...rest } = value ?? {}
          return rest
        })
        .catch(() => undefined)
    },
  }
}
