import { describe, expect, it } from 'vitest'
import { ZenhookError } from '../../core/errors/index.ts'
import type { Batch, NewRecord, StoredRecord } from '../../core/log/port.ts'
import { until } from '../../test/fakes/rig.ts'
import { createWindow, type WindowOptions } from './window.ts'

const recordOf = (offset: number, tenant = ''): StoredRecord => ({
  ...{ topic: 'dispatch', partition: 0, offset, key: null, headers: { tenant }, timestamp: 0 },
  value: new Uint8Array(),
})
const outputOf = (offset: number): NewRecord => ({
  topic: 'decisions',
  key: String(offset),
  value: null,
})
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

const rig = (options: Partial<WindowOptions<undefined>> = {}) => {
  const gates = new Map<number, (outputs: readonly NewRecord[] | undefined) => void>()
  const started: number[] = []
  const settled: { through: number; keys: (string | null)[] }[] = []
  const appended: (string | null)[] = []
  const errors: unknown[] = []
  let failures = 0
  const window = createWindow({
    limit: 3,
    span: 6,
    open: ({ headers }) => ({ tenant: headers.tenant ?? '', line: '', opened: undefined }),
    rankOf: ({ offset }) => offset,
    handle: ({ offset }) => {
      started.push(offset)
      return new Promise((resolve) => gates.set(offset, resolve))
    },
    append: async (records) => {
      appended.push(...records.map(({ key }) => key))
    },
    lingerMs: 0,
    onError: (error) => errors.push(error),
    closing: () => false,
    ...options,
  })
  const batch = (
    offsets: readonly number[],
    controller = new AbortController(),
    tenant?: string,
  ): Batch => ({
    topic: 'dispatch',
    partition: 0,
    records: offsets.map((offset) => recordOf(offset, tenant)),
    signal: controller.signal,
    async settle({ offset }, outputs = []) {
      if (failures > 0) {
        failures -= 1
        throw new Error('the log is away')
      }
      settled.push({ through: offset, keys: outputs.map(({ key }) => key) })
    },
  })
  const finish = async (...offsets: number[]): Promise<void> => {
    for (const offset of offsets) gates.get(offset)?.([outputOf(offset)])
    await turn()
  }
  const failNext = (count: number): void => {
    failures = count
  }
  return { window, batch, finish, gates, started, settled, appended, errors, failNext }
}

describe('the window of a partition', () => {
  it('starts no more than its limit, and asks for more only once all have started', async () => {
    const { window, batch, started, finish } = rig()
    let taken = false
    const taking = window.take(batch([0, 1, 2, 3])).then(() => {
      taken = true
    })
    await turn()
    expect(started).toEqual([0, 1, 2])
    expect(taken).toBe(false)
    await finish(1)
    await taking
    expect(started).toEqual([0, 1, 2, 3])
  })

  it('moves progress to the lowest unfinished, and lets outputs out at once', async () => {
    const { window, batch, settled, appended, finish } = rig()
    await window.take(batch([0, 1, 5]))
    await finish(5)
    expect(settled).toEqual([])
    expect(appended).toEqual(['5'])
    await finish(0)
    expect(settled).toEqual([{ through: 0, keys: ['0'] }])
    await finish(1)
    expect(settled.at(-1)).toEqual({ through: 5, keys: ['1'] })
    expect(window.size()).toBe(0)
  })

  it('is held up by one slow record for a bounded number of others only', async () => {
    const { window, batch, started, finish } = rig()
    void window.take(batch([0, 1, 2, 3, 4, 5, 6, 7]))
    for (const offset of [1, 2, 3, 4, 5]) {
      await turn()
      await finish(offset)
    }
    expect(started).toEqual([0, 1, 2, 3, 4, 5])
    await finish(0)
    expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it('takes no record twice while it is under way', async () => {
    const { window, batch, started } = rig()
    await window.take(batch([0, 1]))
    await window.take(batch([0, 1, 2]))
    expect(started).toEqual([0, 1, 2])
  })

  it('never passes a record that must come back', async () => {
    const { window, batch, settled, gates, finish } = rig()
    await window.take(batch([0, 1]))
    gates.get(0)?.(undefined)
    await finish(1)
    expect(settled).toEqual([])
  })

  it('keeps outputs while the log is away, and their order', async () => {
    const { window, batch, settled, failNext, errors, finish } = rig()
    failNext(1)
    await window.take(batch([0, 1]))
    await finish(0, 1)
    await window.idle()
    expect(errors.length).toBe(1)
    expect(settled).toEqual([{ through: 1, keys: ['0', '1'] }])
  })

  it('writes what is too large in a smaller form, and the others once', async () => {
    const tooLarge = new ZenhookError('ZENHOOK_LOG_RECORD_TOO_LARGE')
    const written: (string | null)[] = []
    const refuse = (records: readonly NewRecord[]): void => {
      // As Kafka does: the neighbours are in the log.
      written.push(...records.flatMap(({ key }) => (key === '1' || key === '3' ? [] : [key])))
      if (records.some(({ key }) => key === '1' || key === '3')) throw tooLarge
    }
    let possible = false
    const { window, batch, settled, errors, finish } = rig({
      limit: 6,
      append: async (records) => refuse(records),
      smaller: async (output) => {
        if (output.key === '3' && !possible) return undefined
        return [{ ...output, key: `small-${output.key}` }]
      },
    })
    const one = batch([0, 1, 2, 3, 4])
    const settle: Batch['settle'] = async (through, outputs = []) => {
      refuse(outputs)
      await one.settle(through, outputs)
    }
    await window.take({ ...one, settle })
    await finish(0, 1, 2, 3, 4)
    await until(() => errors.length >= 4)
    // All at once, then each alone; again and again only what has no smaller form.
    expect(written).toEqual(['0', '2', '4', '0', 'small-1', '2', '4'])
    expect(settled).toEqual([])
    possible = true
    await window.idle()
    expect(written.slice(7)).toEqual(['small-3'])
    expect(settled).toEqual([{ through: 4, keys: [] }])
    expect(window.size()).toBe(0)
  })

  it('forgets all when the partition moves, and starts anew when it comes back', async () => {
    const { window, batch, settled, appended, started, finish } = rig()
    const controller = new AbortController()
    await window.take(batch([0, 1], controller))
    controller.abort()
    await finish(0, 1)
    expect([settled, appended]).toEqual([[], []])
    await window.take(batch([0, 1]))
    expect(started).toEqual([0, 1, 0, 1])
    await finish(0, 1)
    expect(settled.at(-1)?.through).toBe(1)
  })

  it('F27: looks past a flood of one tenant, and has a place for the others at once', async () => {
    const { window, batch, started, settled, finish } = rig({ limit: 4, span: 100, ahead: 50 })
    const flood = Array.from({ length: 40 }, (_, offset) => offset)
    const one = new AbortController()
    await window.take(batch(flood, one, 'flood'))
    expect(started).toEqual([0, 1, 2, 3])
    await window.take(batch([40, 41, 42], one, 'quiet'))
    expect(started).toEqual([0, 1, 2, 3, 40])
    await finish(0)
    expect(started).toEqual([0, 1, 2, 3, 40, 41])
    // Both have their share now.
    await finish(1)
    expect(started).toEqual([0, 1, 2, 3, 40, 41])
    await finish(40, 41, 2)
    expect(started.slice(6)).toContain(42)
    // Progress does not pass what the quiet one was let past.
    expect(settled.at(-1)?.through).toBe(2)
    for (let next = 0; next < 43; next += 1) await finish(...started)
    expect([...started].sort((a, b) => a - b)).toEqual([...flood, 40, 41, 42])
    expect(settled.at(-1)?.through).toBe(42)
  })

  it('starts nothing that still waited when the partition moved', async () => {
    const { window, batch, started, finish } = rig({ ahead: 50, span: 100 })
    const controller = new AbortController()
    await window.take(batch([0, 1, 2, 3, 4], controller))
    controller.abort()
    await finish(0, 1, 2)
    expect(started).toEqual([0, 1, 2])
    await window.take(batch([2, 3, 4]))
    expect(started).toEqual([0, 1, 2, 2, 3, 4])
  })

  it('F47: puts off what crowds it and is stuck, so that what lies behind is seen', async () => {
    const stuck = { now: false }
    const { window, batch, started } = rig({
      ...{ limit: 4, span: 1_000, ahead: 10 },
      open: ({ headers: { tenant = '' } }) => ({ tenant: 'acme', line: tenant, opened: undefined }),
      isStuck: (line) => stuck.now && line === 'dead',
    })
    const one = new AbortController()
    const dead = Array.from({ length: 40 }, (_, offset) => offset)
    let taken = false
    const taking = window.take(batch(dead, one, 'dead')).then(() => {
      taken = true
    })
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect([started.length, taken]).toEqual([4, false])
    stuck.now = true
    await taking
    expect(started.length).toBe(30)
    await window.take(batch([40], one, 'alive'))
    expect(started.at(-1)).toBe(40)
  })
})
