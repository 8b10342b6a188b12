import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ZenhookError } from '../core/errors/index.ts'
import { createBreaker } from './breaker.ts'

const never = (): Promise<string> => new Promise(() => {})

const busyFor = (ms: number): void => {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('breaker of the state store', () => {
  it('waits no longer than its bound, and says why', async () => {
    const errors: unknown[] = []
    const { ask } = createBreaker({ callMs: 20, onFailure: (error) => errors.push(error) })
    expect(await ask(never)).toBeUndefined()
    expect(errors).toEqual([expect.any(ZenhookError)])
  })

  it('takes an answer that arrived while the loop was busy', async () => {
    const { ask } = createBreaker({ callMs: 20 })
    // From here on, timers that are due come before what has arrived.
    await turn()
    const answer = ask(() => turn('there'))
    busyFor(40)
    expect(await answer).toBe('there')
  })

  it('asks nobody while it is open, then one, whose answer closes it', async () => {
    let at = 0
    let asked = 0
    let alive = false
    const { ask } = createBreaker({ callMs: 20, failures: 3, openMs: 1_000, now: () => at })
    const work = async (): Promise<string> => {
      asked += 1
      if (!alive) throw new Error('away')
      return 'there'
    }
    for (let n = 0; n < 10; n += 1) expect(await ask(work)).toBeUndefined()
    expect(asked).toBe(3)
    at = 1_000
    alive = true
    expect(await Promise.all([ask(work), ask(work), ask(work)])).toEqual([
      'there',
      undefined,
      undefined,
    ])
    expect(asked).toBe(4)
    expect(await ask(work)).toBe('there')
  })
})
