import { describe, expect, it } from 'vitest'
import { createMetrics, silentLogger } from '../../core/telemetry/index.ts'
import { destinationOf, dispatchOf } from '../../test/fakes/rig.ts'
import { connectors, deliveryReasons } from '../index.ts'
import type { AttemptResult } from '../types.ts'
import { createLimits, type Limits } from './limits.ts'
import { createTries, type Try, unasked } from './tries.ts'

const destination = destinationOf()

/** Attempts at one destination that come to what the test says. */
const attemptsAt = (limit: Limits) => {
  const attempt = createTries({
    records: {},
    endings: { end: async () => [] },
    disabled: {},
    metrics: createMetrics(),
    logger: silentLogger,
    transform: async () => undefined,
    ...{ now: () => 0, random: () => 0.5, signal: new AbortController().signal },
    onError: () => {},
    insist: async (work: () => Promise<unknown>) => work(),
  } as unknown as Parameters<typeof createTries>[0])
  return async (now: number, result: AttemptResult): Promise<void> => {
    const admission = limit.admit(destination, now)
    if (admission.kind !== 'go') throw new Error(`not let through: ${admission.kind}`)
    const instance = { connector: { deliver: async () => result }, scrub: (text: string) => text }
    const job = { dispatch: dispatchOf('hooks'), forced: false }
    const { ticket } = admission
    await attempt({ job, destination, instance, limit, ticket } as unknown as Try)
  }
}
const failed = (reason: string, retriable: boolean, status?: number): AttemptResult => ({
  kind: 'failed',
  ...{ reason, retriable, error: reason },
  ...(status !== undefined && { status }),
})

describe('an attempt that never asked the receiver', () => {
  it.each([...unasked])('opens no breaker, and closes none: %s', async (reason) => {
    const limit = createLimits()
    const attempt = attemptsAt(limit)
    for (let count = 0; count < 30; count += 1) await attempt(0, failed(reason, true))
    for (let count = 0; count < 10; count += 1) await attempt(0, failed('http_503', true, 503))
    expect(limit.admit(destination, 1)).toMatchObject({ kind: 'hop', until: 5_000 })
    // It is probed now; three that asked nobody are no proof.
    for (let count = 0; count < 3; count += 1) await attempt(5_000, failed(reason, false))
    await attempt(5_000, failed('http_503', true, 503))
    expect(limit.admit(destination, 5_001).kind).toBe('hop')
  })

  it('is told by reasons that are declared', () => {
    const declared = new Set([
      ...Object.keys(deliveryReasons),
      ...connectors.flatMap(({ spec }) => Object.keys(spec.reasons ?? {})),
    ])
    expect([...unasked].filter((reason) => !declared.has(reason))).toEqual([])
  })
})
