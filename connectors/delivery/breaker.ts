/** Opens on a receiver that fails most of the time, and lets a few probes through before it closes. */
export interface Breaker {
  /** 0 when an attempt may be made now (in half-open state it is then a probe), else when to ask again, ms. */
  admit(now: number): number
  succeeded(now: number): void
  failed(now: number): void
  /** An admitted attempt was not made after all, or was cancelled. */
  withdrawn(): void
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

export const createBreaker = ({
  minRequests = 10,
  failureRatio = 0.7,
  windowMs = 30_000,
  openMs = 5_000,
  maxOpenMs = 60_000,
  probes = 3,
}: BreakerOptions = {}): Breaker => {
  let state: 'closed' | 'open' | 'half-open' = 'closed'
  let openUntil = 0
  let openings = 0
  let probing = 0
  let proven = 0
  // Two halves of the window: counts age without a list of times.
  let since = 0
  let current = { requests: 0, failures: 0 }
  let previous = { requests: 0, failures: 0 }

  const roll = (now: number): void => {
    const half = windowMs / 2
    if (now - since < half) return
    previous = now - since < windowMs ? current : { requests: 0, failures: 0 }
    current = { requests: 0, failures: 0 }
    since = now
  }
  const open = (now: number): void => {
    state = 'open'
    openUntil = now + Math.min(maxOpenMs, openMs * 2 ** openings)
    openings += 1
    probing = 0
    proven = 0
  }
  const close = (): void => {
    state = 'closed'
    openings = 0
    current = { requests: 0, failures: 0 }
    previous = { requests: 0, failures: 0 }
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
      roll(now)
      current.requests += 1
    },
    failed(now) {
      if (state === 'half-open') return open(now)
      if (state === 'open') return
      roll(now)
      current.requests += 1
      current.failures += 1
      const requests = current.requests + previous.requests
      const failures = current.failures + previous.failures
      if (requests >= minRequests && failures / requests >= failureRatio) open(now)
    },
    withdrawn() {
      if (state === 'half-open') probing = Math.max(0, probing - 1)
    },
    state: () => state,
  }
}
