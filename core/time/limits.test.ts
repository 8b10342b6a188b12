import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { atMost, inTime } from './limits.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = new Promise<never>(() => undefined)
const late = (): Error => new Error('late')

describe('inTime', () => {
  it('gives what the work gives, and leaves no timer', async () => {
    await expect(inTime(Promise.resolve(7), 100, late)).resolves.toBe(7)
    await expect(inTime(Promise.reject(new Error('own')), 100, late)).rejects.toThrow('own')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('rejects with what is late', async () => {
    const outcome = expect(inTime(never, 100, late)).rejects.toThrow('late')
    const plain = expect(inTime(never, 100)).rejects.toThrow('no answer in 100 ms')
    await vi.advanceTimersByTimeAsync(100)
    await Promise.all([outcome, plain])
  })
})

describe('atMost', () => {
  it('ends with the work, as the work ends, and leaves no timer', async () => {
    await expect(atMost(100, Promise.resolve(7))).resolves.toBeUndefined()
    await expect(atMost(100, Promise.reject(new Error('own')))).rejects.toThrow('own')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('waits no longer', async () => {
    const outcome = atMost(100, never)
    await vi.advanceTimersByTimeAsync(100)
    await expect(outcome).resolves.toBeUndefined()
  })
})
