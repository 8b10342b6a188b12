import { describe, expect, it } from 'vitest'
import { ZenhookError } from '../../core/errors/index.ts'
import { destinationOf, dispatchOf } from '../../test/fakes/rig.ts'
import { attemptOnce } from './attempt.ts'
import type { Instance } from './instances.ts'

describe('a transform', () => {
  const instance = {
    connector: { deliver: async () => ({ kind: 'delivered' as const }) },
    scrub: (text: string) => text,
  } as unknown as Instance
  const endingAfter = async (error: Error) => {
    const { ending } = await attemptOnce({
      ...{ destination: destinationOf(), dispatch: dispatchOf('hooks', { transform: 'x' }) },
      ...{ number: 1, possibleDuplicate: false, forced: false, instance },
      transform: () => Promise.reject(error),
      ...{ now: Date.now, random: () => 0.5, signal: new AbortController().signal },
    })
    return ending
  }

  it('that ran out of wall time is tried again: the machine was busy', async () => {
    const late = new ZenhookError('ZENHOOK_CONFIG_TRANSFORM_LIMIT', { retriable: true })
    expect(await endingAfter(late)).toMatchObject({ verdict: 'retry', reason: 'transform_failed' })
  })

  it('that fails is the end', async () => {
    const failed = new ZenhookError('ZENHOOK_CONFIG_TRANSFORM_FAILED', { retriable: false })
    for (const error of [failed, new Error('a fault of ours')])
      expect(await endingAfter(error)).toMatchObject({
        verdict: 'dead',
        reason: 'transform_failed',
      })
  })
})
