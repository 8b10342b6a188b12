import { connectionsPerOrigin } from '../../core/net/index.ts'
import type { Destination } from '../../core/registry/types.ts'
import { breakerDefaults, createRecent } from './breaker.ts'
import { type Circuit, createLocalCircuit } from './circuit.ts'
import { createLocalRate, type Rate } from './rate.ts'
import type { Slots } from './slots.ts'

/** An attempt that was let through; handed back when it is over. */
export interface Ticket {
  /** It holds one of the slots that processes share. */
  readonly hasSlot: boolean
}

export type Admission =
  | { kind: 'go'; ticket: Ticket }
  /** Ask again then, ms; near enough to wait here. */
  | { kind: 'wait'; until: number }
  /** Ask again when it has resolved: other processes have a say. */
  | { kind: 'ask'; answer: Promise<void> }
  /** Leave the place to others and come back then, ms. */
  | { kind: 'hop'; until: number }

/** What processes count together for one destination. */
export interface SharedLimits {
  rate: Rate
  slots: Slots
  /** `onClosed`: the receiver is well again. */
  circuit(onClosed: () => void): Circuit
}

/** What one destination may take: rate, concurrency, pauses it asked for, and a breaker. */
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
  /** Its attempts do not end: no more are made, and nobody need wait for it. */
  isHanging(now: number): boolean
}

export interface LimitsOptions {
  /** What goes out at once; attempts beyond it wait for a connection, and do not hang. */
  connections?: number
  /** Nobody waits longer than this in the window that all destinations share. */
  maxWaitMs?: number
  maxWaiting?: number
  /** An attempt that runs for longer hangs. */
  hangingMs?: number
  /** So many hanging attempts, and the destination gets no more of the shared window. */
  maxHanging?: number
  /** Absent where this process is the only one. */
  shared?: SharedLimits
}

// How fast what hopped comes back to a destination without a rate limit, per second, at first.
const drainRate = 200
/** Successes of the last half to whole second say what a destination takes; what comes back may be more by half. */
const paceMs = 1_000
const paceGrowth = 2

// A destination that takes so many at once is not slowed any more.
const fullSpeed = 256

export const createLimits = ({
  connections = connectionsPerOrigin,
  maxWaitMs = 1_000,
  maxWaiting = 32,
  hangingMs = 2_000,
  maxHanging = 16,
  shared,
}: LimitsOptions = {}): Limits => {
  /** Since when each has a connection, ms; the longest first. */
  const underWay = new Map<Ticket, number>()
  /** Let through, without a connection yet: they get one in their order. */
  const queued = new Set<Ticket>()
  const put = (ticket: Ticket, now: number): void => {
    if (underWay.size < connections) underWay.set(ticket, now)
    else queued.add(ticket)
  }
  const inFlight = (): number => underWay.size + queued.size
  let ceiling = Number.POSITIVE_INFINITY
  // A receiver that is well again gets what waits for it with care, not at once.
  const onClosed = (): void => {
    ceiling = Math.min(ceiling, breakerDefaults.probes)
  }
  const circuit = shared?.circuit(onClosed) ?? createLocalCircuit(onClosed)
  const rate = shared?.rate ?? createLocalRate()
  let pausedUntil = 0
  let waitingCount = 0
  // When the latest of those that hopped comes back: each gets a moment of its own, so that a
  // backlog neither returns as a stampede nor hops in circles.
  let lastReturn = 0
  /** The configured rate by which those returns were spread. */
  let returnRate = 0
  const pace = createRecent(paceMs)

  const hanging = (now: number): boolean => {
    if (underWay.size < maxHanging) return false
    let count = 0
    for (const startedAt of underWay.values()) {
      if (now - startedAt <= hangingMs) return false
      count += 1
      if (count >= maxHanging) return true
    }
    return false
  }

  /** 0 when nothing stands in the way. */
  const obstacle = ({ rateLimit }: Destination, now: number): number | Promise<void> => {
    if (now < pausedUntil) return pausedUntil
    const broken = circuit.look(now)
    if (broken !== 0) return broken
    const concurrent = rateLimit?.concurrent ?? Number.POSITIVE_INFINITY
    if (inFlight() >= Math.min(concurrent, ceiling)) return now + 20
    if (hanging(now)) return now + 5_000
    if (rateLimit === undefined) return 0
    const { concurrent: most } = rateLimit
    const room = most === undefined ? 0 : (shared?.slots.look(most, now) ?? 0)
    return room !== 0 ? room : rate.look(rateLimit, now)
  }

  const hop = ({ rateLimit }: Destination, until: number, now: number): Admission => {
    const taken = pace.counts(now).requests * paceGrowth
    const spacing = 1000 / (rateLimit?.perSecond ?? Math.max(drainRate, taken))
    const perSecond = rateLimit?.perSecond ?? Number.POSITIVE_INFINITY
    // A line that a lower rate drew out, for hours perhaps, is none to stand behind: that rate has been raised.
    if (perSecond > returnRate) lastReturn = 0
    returnRate = perSecond
    lastReturn = Math.max(until, now + maxWaitMs, lastReturn + spacing)
    return { kind: 'hop', until: Math.ceil(lastReturn) }
  }

  return {
    admit(destination, now, waitingSince) {
      const waiting = waitingSince !== undefined
      const until = obstacle(destination, now)
      if (typeof until !== 'number') return { kind: 'ask', answer: until }
      if (until === 0) {
        if (waiting) waitingCount -= 1
        const { rateLimit } = destination
        const hasSlot = shared !== undefined && rateLimit?.concurrent !== undefined
        if (rateLimit !== undefined) rate.take()
        if (hasSlot) shared.slots.take()
        circuit.take(now)
        const ticket = { hasSlot }
        put(ticket, now)
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
      queued.delete(ticket)
      const [next] = queued
      if (underWay.size < connections && next !== undefined && queued.delete(next)) put(next, now)
      if (ticket.hasSlot) shared?.slots.give()
      if (outcome === 'failed') circuit.failed(now)
      else if (outcome === 'cancelled') circuit.withdrawn()
      else circuit.succeeded(now)
      if (outcome !== 'succeeded') return
      pace.add(false, now)
      ceiling = ceiling < fullSpeed ? ceiling + 1 : Number.POSITIVE_INFINITY
    },
    slow() {
      ceiling = Math.max(1, Math.floor(Math.min(ceiling, inFlight() + 1) / 2))
    },
    leave() {
      waitingCount -= 1
    },
    pause(until) {
      pausedUntil = Math.max(pausedUntil, until)
    },
    inFlight,
    isHanging: hanging,
  }
}
