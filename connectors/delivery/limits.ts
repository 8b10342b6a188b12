import type { Destination } from '../../core/registry/types.ts'
import { createBreaker } from './breaker.ts'

/** An attempt that was let through; handed back when it is over. */
export interface Ticket {
  readonly startedAt: number
}

export type Admission =
  | { kind: 'go'; ticket: Ticket }
  /** Ask again then, ms; near enough to wait here. */
  | { kind: 'wait'; until: number }
  /** Leave the place to others and come back then, ms. */
  | { kind: 'hop'; until: number }

/** What one destination may take in this process: rate, concurrency, pauses it asked for, and a breaker. */
export interface Limits {
  /** `waiting`: the caller was told to wait before, and holds a place among the waiting. */
  admit(destination: Destination, now: number, waiting: boolean): Admission
  release(
    ticket: Ticket,
    outcome: 'succeeded' | 'failed' | 'refused' | 'cancelled',
    now: number,
  ): void
  /** A waiting caller gives up. */
  leave(): void
  /** The receiver asked for peace until then, ms. */
  pause(until: number): void
  inFlight(): number
}

export interface LimitsOptions {
  /** Nobody waits longer than this in the window that all destinations share. */
  maxWaitMs?: number
  maxWaiting?: number
  /** An attempt that runs for longer hangs. */
  hangingMs?: number
  /** So many hanging attempts, and the destination gets no more of the shared window. */
  maxHanging?: number
}

// How fast what hopped comes back to a destination without a rate limit, per second.
const drainRate = 200

export const createLimits = ({
  maxWaitMs = 1_000,
  maxWaiting = 32,
  hangingMs = 2_000,
  maxHanging = 16,
}: LimitsOptions = {}): Limits => {
  const breaker = createBreaker()
  const underWay = new Set<Ticket>()
  let tokens = Number.NaN
  let refilledAt = 0
  let pausedUntil = 0
  let waitingCount = 0
  // When the latest of those that hopped comes back: each gets a moment of its own, so that a
  // backlog neither returns as a stampede nor hops in circles.
  let lastReturn = 0

  const rateWait = ({ rateLimit }: Destination, now: number): number => {
    if (rateLimit === undefined) return 0
    const { perSecond, burst = Math.max(1, perSecond) } = rateLimit
    const refilled = tokens + ((now - refilledAt) / 1000) * perSecond
    tokens = Number.isNaN(refilled) ? burst : Math.min(burst, refilled)
    refilledAt = now
    return tokens >= 1 ? 0 : now + Math.ceil(((1 - tokens) / perSecond) * 1000)
  }

  const hanging = (now: number): boolean => {
    if (underWay.size < maxHanging) return false
    let count = 0
    for (const { startedAt } of underWay) {
      if (now - startedAt <= hangingMs) return false
      count += 1
      if (count >= maxHanging) return true
    }
    return false
  }

  /** 0 when nothing stands in the way. */
  const obstacle = (destination: Destination, now: number): number => {
    if (now < pausedUntil) return pausedUntil
    const concurrent = destination.rateLimit?.concurrent
    if (concurrent !== undefined && underWay.size >= concurrent) return now + 20
    if (hanging(now)) return now + 5_000
    return rateWait(destination, now) || breaker.admit(now)
  }

  const hop = ({ rateLimit }: Destination, until: number): Admission => {
    const spacing = 1000 / (rateLimit?.perSecond ?? drainRate)
    lastReturn = Math.max(until, lastReturn + spacing)
    return { kind: 'hop', until: Math.ceil(lastReturn) }
  }

  return {
    admit(destination, now, waiting) {
      const until = obstacle(destination, now)
      if (until === 0) {
        if (waiting) waitingCount -= 1
        if (destination.rateLimit !== undefined) tokens -= 1
        const ticket = { startedAt: now }
        underWay.add(ticket)
        return { kind: 'go', ticket }
      }
      if (until - now <= maxWaitMs && (waiting || waitingCount < maxWaiting)) {
        if (!waiting) waitingCount += 1
        return { kind: 'wait', until }
      }
      if (waiting) waitingCount -= 1
      return hop(destination, until)
    },
    release(ticket, outcome, now) {
      underWay.delete(ticket)
      if (outcome === 'failed') breaker.failed(now)
      else if (outcome === 'cancelled') breaker.withdrawn()
      else breaker.succeeded(now)
    },
    leave() {
      waitingCount -= 1
    },
    pause(until) {
      pausedUntil = Math.max(pausedUntil, until)
    },
    inFlight: () => underWay.size,
  }
}
