/** Opens on a receiver that fails most of the time, and lets a few probes through before it closes. */
export interface Breaker {
  /** 0 when an attempt may be made now (in half-open state it is then a probe), else when to ask again, ms. */
  admit(now: number): number
  succeeded(now: number): void
  failed(now: number): void
  /** An admitted attempt was not made after all, or was cancelled. */
  withdrawn(): void
  /** Closes it, whatever it knew: others found the receiver well. */
  reset(): void
  state(): 'closed' | 'open' | 'half-open'
}

export interface BreakerOptions {
  minRequests?: number
  failureRatio?: number
  windowMs?: number
  openMs?: number
  maxOpenMs?: number
  probes?: number
}

export type BreakerSettings = Required<BreakerOptions>

export const breakerDefaults: BreakerSettings = {
  minRequests: 10,
  failureRatio: 0.7,
  windowMs: 30_000,
  openMs: 5_000,
  maxOpenMs: 60_000,
  probes: 3,
}

export interface Counts {
  requests: number
  failures: number
}

/** How long it stays open when it was so often before in a row, ms. */
export const openTime = (openings: number, { openMs, maxOpenMs }: BreakerSettings): number =>
  Math.min(maxOpenMs, openMs * 2 ** openings)

export const isFailing = (
  { requests, failures }: Counts,
  { minRequests, failureRatio }: BreakerSettings,
): boolean => requests >= minRequests && failures / requests >= failureRatio

/** Counts of a window that moves along, in two halves: they age without a list of times. */
export const createRecent = (windowMs: number) => {
  const none = (): Counts => ({ requests: 0, failures: 0 })
  let since = 0
  let current = none()
  let previous = none()
  const roll = (now: number): void => {
    if (now - since < windowMs / 2) return
    previous = now - since < windowMs ? current : none()
    current = none()
    since = now
  }
  return {
    add(isFailure: boolean, now: number): void {
      roll(now)
      current.requests += 1
      if (isFailure) current.failures += 1
    },
    counts(now: number): Counts {
      roll(now)
      return {
        requests: current.requests + previous.requests,
        failures: current.failures + previous.failures,
      }
    },
    clear(): void {
      current = none()
      previous = none()
    },
  }
}

export const createBreaker = (options: BreakerOptions = {}): Breaker => {
  const settings = { ...breakerDefaults, ...options }
  const { probes } = settings
  const recent = createRecent(settings.windowMs)
  let state: 'closed' | 'open' | 'half-open' = 'closed'
  let openUntil = 0
  let openings = 0
  let probing = 0
  let proven = 0

  const open = (now: number): void => {
    state = 'open'
    openUntil = now + openTime(openings, settings)
    openings += 1
    probing = 0
    proven = 0
  }
  const close = (): void => {
    state = 'closed'
    openings = 0
    recent.clear()
  }

  return {
    admit(now) {
      if (state === 'closed') return 0
      if (state === 'open') {
        if (now < openUntil) return openUntil
        state = 'half-open'
        probing = 0
        proven = 0
      }
      if (probing + proven >= probes) return now + 1_000
      probing += 1
      return 0
    },
    succeeded(now) {
      if (state === 'half-open') {
        probing = Math.max(0, probing - 1)
        proven += 1
        if (proven >= probes) close()
        return
      }
      recent.add(false, now)
    },
    failed(now) {
      if (state === 'half-open') return open(now)
      if (state === 'open') return
      recent.add(true, now)
      if (isFailing(recent.counts(now), settings)) open(now)
    },
    withdrawn() {
      if (state === 'half-open') probing = Math.max(0, probing - 1)
    },
    reset: close,
    state: () => state,
  }
}
