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
  /** `waitingSince`: when the caller was first told to wait; it holds a place among the waiting. */
  admit(destination: Destination, now: number, waitingSince?: number): Admission
  release(
    ticket: Ticket,
    outcome: 'succeeded' | 'failed' | 'refused' | 'cancelled',
    now: number,
  ): void
  /** A waiting caller gives up. */
  leave(): void
  /** The receiver asked for peace until then, ms. */
  pause(until: number): void
  /** The receiver has too much to do: half as many at once, then slowly more. */
  slow(): void
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

// A destination that takes so many at once is not slowed any more.
const fullSpeed = 256

export const createLimits = ({
  maxWaitMs = 1_000,
  maxWaiting = 32,
  hangingMs = 2_000,
  maxHanging = 16,
}: LimitsOptions = {}): Limits => {
  const breaker = createBreaker()
  const underWay = new Set<Ticket>()
  let ceiling = Number.POSITIVE_INFINITY
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
    const concurrent = destination.rateLimit?.concurrent ?? Number.POSITIVE_INFINITY
    if (underWay.size >= Math.min(concurrent, ceiling)) return now + 20
    if (hanging(now)) return now + 5_000
    return rateWait(destination, now) || breaker.admit(now)
  }

  const hop = ({ rateLimit }: Destination, until: number, now: number): Admission => {
    const spacing = 1000 / (rateLimit?.perSecond ?? drainRate)
    lastReturn = Math.max(until, now + maxWaitMs, lastReturn + spacing)
    return { kind: 'hop', until: Math.ceil(lastReturn) }
  }

  return {
    admit(destination, now, waitingSince) {
      const waiting = waitingSince !== undefined
      const until = obstacle(destination, now)
      if (until === 0) {
        if (waiting) waitingCount -= 1
        if (destination.rateLimit !== undefined) tokens -= 1
        const ticket = { startedAt: now }
        underWay.add(ticket)
        return { kind: 'go', ticket }
      }
      const near = until - (waitingSince ?? now) <= maxWaitMs
      if (near && (waiting || waitingCount < maxWaiting)) {
        if (!waiting) waitingCount += 1
        return { kind: 'wait', until }
      }
      if (waiting) waitingCount -= 1
      return hop(destination, until, now)
    },
    release(ticket, outcome, now) {
      underWay.delete(ticket)
      if (outcome === 'failed') breaker.failed(now)
      else if (outcome === 'cancelled') breaker.withdrawn()
      else breaker.succeeded(now)
      if (outcome === 'succeeded')
        ceiling = ceiling < fullSpeed ? ceiling + 1 : Number.POSITIVE_INFINITY
    },
    slow() {
      ceiling = Math.max(1, Math.floor(Math.min(ceiling, underWay.size + 1) / 2))
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
