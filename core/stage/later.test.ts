import { describe, expect, it, vi } from 'vitest'
import type { Batch } from '../log/port.ts'
import type { Fate } from './batch.ts'
import { createLater } from './later.ts'

const batchOf = () => {
  const moved = new AbortController()
  const batch: Batch = {
    topic: 't',
    partition: 0,
    records: [],
    signal: moved.signal,
    settle: () => Promise.reject(new Error('settled by the test alone')),
  }
  return { batch, moved }
}
const fate = (offset: number): Fate => ({
  record: { topic: 't', partition: 0, offset, key: null, value: null, headers: {}, timestamp: 0 },
  outputs: [],
})

const start = (settle: (fates: readonly number[], batch: Batch) => Promise<void>) => {
  const errors: unknown[] = []
  const later = createLater({
    lingerMs: 20,
    maxRecords: 3,
    settle: (batch, fates) =>
      settle(
        fates.map(({ record }) => record.offset),
        batch,
      ),
    onError: (error) => errors.push(error),
  })
  return { later, errors }
}

describe('settling behind the handler', () => {
  it('takes what gathered together, in order', async () => {
    const settled: (readonly number[])[] = []
    const { later } = start(async (offsets) => void settled.push(offsets))
    const { batch } = batchOf()
    await later.add(batch, [fate(1)])
    await later.add(batch, [fate(2), fate(3)])
    expect(settled).toEqual([])
    await later.flush()
    expect(settled).toEqual([[1, 2, 3]])
  })

  it('lets nothing pass what could not be settled', async () => {
    const settled: (readonly number[])[] = []
    let away = true
    const { later, errors } = start(async (offsets) => {
      if (away) throw new Error('away')
      settled.push(offsets)
    })
    const { batch } = batchOf()
    await later.add(batch, [fate(1)])
    await vi.waitFor(() => expect(errors).toHaveLength(1))
    await later.add(batch, [fate(2)])
    away = false
    await later.flush()
    expect(settled.flat()).toEqual([1, 2])
  })

  it('makes the handler wait when too much has gathered', async () => {
    let release = (): void => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const { later } = start(() => gate)
    const { batch } = batchOf()
    await later.add(batch, [fate(1)])
    await new Promise((resolve) => setTimeout(resolve, 60))
    let added = false
    const adding = later.add(batch, [2, 3, 4, 5].map(fate)).then(() => {
      added = true
    })
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(added).toBe(false)
    release()
    await adding
    await later.flush()
  })

  it('forgets what belongs to a partition that has moved, also when it came back', async () => {
    const settled: (readonly number[])[] = []
    let fail = (_: Error): void => {}
    const { later, errors } = start((offsets, batch) => {
      if (batch === old.batch) {
        return new Promise((_, reject) => {
          fail = reject
        })
      }
      settled.push(offsets)
      return Promise.resolve()
    })
    const old = batchOf()
    await later.add(old.batch, [fate(1)])
    await new Promise((resolve) => setTimeout(resolve, 60))
    old.moved.abort()
    await later.add(batchOf().batch, [fate(7)])
    fail(new Error('not the owner'))
    await later.flush()
    expect(settled).toEqual([[7]])
    expect(errors).toEqual([])
  })

  it('has nothing left once its partition has moved', async () => {
    const { later } = start(() => Promise.reject(new Error('away')))
    const { batch, moved } = batchOf()
    await later.add(batch, [fate(1)])
    setTimeout(() => moved.abort(), 50)
    await later.flush()
  })
})
