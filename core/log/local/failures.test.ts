import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { isZenhookError } from '../../errors/index.ts'
import { createMemoryDisk, createMemoryLog } from '../memory/index.ts'
import { createLocalLog, type LocalLog, type LocalLogOptions, type LogStore } from './index.ts'
import { emptyChange } from './store.ts'
import { createMoodyStore, readAll, spec, text, textOf } from './testing.ts'

const hour = 3_600_000
const record = (topic: string, key: string, value: string | null) => ({
  topic,
  key,
  value: value === null ? null : text(value),
})
const until = async (holds: () => boolean): Promise<void> => {
  for (let tries = 0; !holds() && tries < 400; tries += 1) await sleep(5)
  expect(holds()).toBe(true)
}

describe('local log, failing store', () => {
  const open = (store: LogStore, options: Partial<LocalLogOptions> = {}): LocalLog =>
    createLocalLog({ store, capabilities: createMemoryLog().capabilities, ...options })

  it('tells every caller, hands nothing out that is not written, and goes on', async () => {
    const { store, turn } = createMoodyStore(createMemoryDisk().mount())
    const log = open(store)
    await log.ensureTopics([spec('t'), spec('out')])
    const seen: string[] = []
    const settled: string[] = []
    await log.subscribe({ group: 'g', topics: ['t'] }, async (batch) => {
      const last = batch.records.at(-1)
      seen.push(...batch.records.map(textOf))
      if (last === undefined) return undefined
      turn(seen.length === 1 ? 'full' : 'good')
      await batch.settle(last, [{ topic: 'out', key: null, value: text(`out ${textOf(last)}`) }])
      settled.push(textOf(last))
      return undefined
    })
    await log.append([{ topic: 't', key: 'k', value: text('one') }])
    while (settled.length === 0) {
      turn('good')
      await sleep(10)
    }
    turn('full')
    const results = await Promise.allSettled(
      ['x', 'y'].map((value) => log.append([{ topic: 't', key: 'k', value: text(value) }])),
    )
    for (const result of results) {
      const reason: unknown = result.status === 'rejected' ? result.reason : undefined
      expect(isZenhookError(reason) && [reason.code, reason.retriable]).toEqual([
        'ZENHOOK_LOG_UNAVAILABLE',
        true,
      ])
    }
    turn('good')
    await log.append([{ topic: 't', key: 'k', value: text('two') }])
    while (!settled.includes('two')) await sleep(5)
    expect(new Set(seen)).toEqual(new Set(['one', 'two']))
    expect((await readAll(log, 'out')).map(textOf)).toEqual(['out one', 'out two'])
    await log.close()
  })

  it('does not turn a group back when settles overtake each other', async () => {
    const log = createMemoryLog()
    await log.ensureTopics([spec('t')])
    await log.append(Array.from({ length: 4 }, () => ({ topic: 't', key: 'k', value: text('v') })))
    await log.subscribe({ group: 'g', topics: ['t'] }, async (batch) => {
      const [first, , third] = batch.records
      if (first === undefined || third === undefined) return undefined
      const far = batch.settle(third)
      await new Promise((resolve) => setImmediate(resolve))
      await Promise.all([far, batch.settle(first)])
      return undefined
    })
    for (let tries = 0; tries < 100; tries += 1) {
      const [lag] = await log.lag('g')
      if (lag?.records === 1) break
      await sleep(5)
    }
    expect(await log.lag('g')).toMatchObject([{ offset: 3, records: 1 }])
    await log.close()
  })
  it('a settle fails with the one before it, for it would pass outputs that are not there', async () => {
    const { store, turn } = createMoodyStore(createMemoryDisk().mount())
    const log = open(store)
    await log.ensureTopics([spec('t'), spec('out')])
    await log.append(['a', 'b', 'c'].map((value) => record('t', 'k', value)))
    const outcomes: string[] = []
    await log.subscribe({ group: 'g', topics: ['t'] }, async (batch) => {
      const settle = (index: number): Promise<void> => {
        const each = batch.records[index]
        if (each === undefined) return Promise.resolve()
        return batch.settle(each, [record('out', 'k', `out ${textOf(each)}`)])
      }
      turn('full')
      const first = settle(0)
      await Promise.resolve()
      const rest = [1, 2].map(settle)
      first.catch(() => turn('good'))
      for (const { status } of await Promise.allSettled([first, ...rest])) outcomes.push(status)
      expect(await log.lag('g')).toMatchObject([{ offset: 0, records: 3 }])
      await Promise.all([0, 1, 2].map(settle))
      outcomes.push('all')
      return undefined
    })
    await until(() => outcomes.length === 4)
    expect(outcomes).toEqual(['rejected', 'rejected', 'rejected', 'all'])
    expect((await readAll(log, 'out')).map(textOf)).toEqual(['out a', 'out b', 'out c'])
    expect(await log.lag('g')).toMatchObject([{ offset: 3, records: 0 }])
    await log.close()
  })

  it.each(['delayed', 'nextDue'] as const)(
    'moves delayed records on after a look at them has failed: %s',
    async (look) => {
      const disk = createMemoryDisk().mount()
      let fail = false
      const failing = (name: string): void => {
        if (!fail || name !== look) return
        fail = false
        throw new Error(`no ${name}`)
      }
      const store: LogStore = {
        ...disk,
        delayed: (...args) => {
          failing('delayed')
          return disk.delayed(...args)
        },
        nextDue: () => {
          failing('nextDue')
          return disk.nextDue()
        },
      }
      const errors: unknown[] = []
      const log = open(store, { onError: (error) => errors.push(error) })
      await log.ensureTopics([spec('t')])
      const due = (value: string, ms: number) => ({
        ...record('t', 'k', value),
        notBefore: Date.now() + ms,
      })
      await log.append([due('one', 20), due('two', 60)])
      fail = true
      for (let tries = 0; (await readAll(log, 't')).length < 2 && tries < 300; tries += 1)
        await sleep(10)
      expect((await readAll(log, 't')).map(textOf)).toEqual(['one', 'two'])
      expect(errors).toHaveLength(1)
      await log.close()
    },
  )

  it('does not wait longer before it tries again because the clock was set back', async () => {
    let skew = 0
    const log = open(createMemoryDisk().mount(), { now: () => Date.now() + skew })
    await log.ensureTopics([spec('t')])
    await log.append([record('t', 'k', 'v')])
    let calls = 0
    await log.subscribe({ group: 'g', topics: ['t'] }, async () => {
      calls += 1
      if (calls === 1) {
        setImmediate(() => {
          skew = -600_000
        })
        throw new Error('planned')
      }
      return undefined
    })
    await until(() => calls === 2)
    await log.close()
  })

  describe('that tells writes as failed which come about', () => {
    const consume = async (log: LocalLog): Promise<string[]> => {
      const seen: string[] = []
      await log.subscribe({ group: 'g', topics: ['t'] }, async (batch) => {
        seen.push(...batch.records.map(textOf))
        const last = batch.records.at(-1)
        if (last !== undefined) await batch.settle(last)
        return undefined
      })
      return seen
    }

    /** What was handed out is settled: a settle that is told as failed would hand it out again. */
    const settled = async (log: LocalLog): Promise<void> => {
      for (let tries = 0; tries < 400 && (await log.lag('g'))[0]?.records !== 0; tries += 1)
        await sleep(5)
    }

    /** A log over a store that takes turns, and what its consumer has seen. */
    const consumed = async () => {
      const { store, turn } = createMoodyStore(createMemoryDisk().mount())
      const log = open(store)
      await log.ensureTopics([spec('t')])
      return { store, turn, log, seen: await consume(log) }
    }

    /** Where the move of a delayed record came about, and is told as failed. */
    const movedLate = async () => {
      const { store, turn, log, seen } = await consumed()
      await log.append([{ ...record('t', 'k', 'retry'), notBefore: Date.now() + 50 }])
      turn('late')
      while (store.nextDue() !== undefined) await sleep(5)
      return { turn, log, seen }
    }

    it('hides no record from a consumer that is given a later one', async () => {
      const { log, turn, seen } = await consumed()
      await log.append([record('t', 'k', 'first')])
      await until(() => seen.length === 1)
      await settled(log)
      turn('late')
      await expect(log.append([record('t', 'k', 'late')])).rejects.toThrow('no sync')
      turn('good')
      await log.append([record('t', 'k', 'next')])
      await until(() => seen.includes('next'))
      expect(seen).toEqual(['first', 'late', 'next'])
      await log.close()
    })

    it('moves a delayed record whose append was one', async () => {
      const { log, turn, seen } = await consumed()
      turn('late')
      const delayed = { ...record('t', 'k', 'late'), notBefore: Date.now() + 50 }
      await expect(log.append([delayed])).rejects.toThrow('no sync')
      turn('good')
      await until(() => seen.length === 1)
      expect(seen).toEqual(['late'])
      await log.close()
    })

    it('hands out a delayed record that was moved by one, and another behind it', async () => {
      const { log, turn, seen } = await movedLate()
      turn('good')
      expect(seen).toEqual([])
      await log.append([record('t', 'k', 'next')])
      await until(() => seen.includes('next'))
      expect(seen).toEqual(['retry', 'next'])
      await log.close()
    })

    it('hands it out also where nothing else is written, once the store is well', async () => {
      const { log, turn, seen } = await movedLate()
      turn('full')
      await sleep(20)
      await expect(log.applyRetention()).rejects.toThrow('no space')
      expect(seen).toEqual([])
      turn('good')
      await until(() => seen.length === 1)
      expect(seen).toEqual(['retry'])
      await settled(log)
      turn('full')
      await expect(log.append([record('t', 'k', 'never')])).rejects.toThrow('no space')
      turn('good')
      await log.applyRetention()
      expect(await log.lag('g')).toMatchObject([{ records: 0 }])
      expect(seen).toEqual(['retry'])
      await log.close()
    })
  })

  it('a trim that came about late keeps its floor, whatever is confirmed after it', async () => {
    let clock = 1_700_000_000_000
    const { store, turn } = createMoodyStore(createMemoryDisk().mount())
    const log = open(store, { now: () => clock })
    await log.ensureTopics([spec('t', { retentionMs: 1_000 })])
    await log.append(['a', 'b'].map((value) => record('t', 'k', value)))
    clock += 5_000
    turn('late')
    await expect(log.applyRetention()).rejects.toThrow('no sync')
    await expect(log.append([record('t', 'k', 'c')])).rejects.toThrow('no sync')
    turn('good')
    const floors: number[] = []
    const write = store.write
    Object.assign(store, {
      write: async (change: Parameters<typeof write>[0]) => {
        await write(change)
        floors.push(store.load().ends[0]?.first ?? -1)
      },
    })
    await log.applyRetention()
    expect(floors[0]).toBe(2)
    await log.close()
  })

  describe('beneath a compacted topic', () => {
    let clock = 1_700_000_000_000
    const now = () => clock
    const compacted = async () => {
      const disk = createMemoryDisk()
      const { store, turn } = createMoodyStore(disk.mount())
      const log = open(store, { now })
      await log.ensureTopics([spec('c', { compacted: true })])
      const put = (key: string, value: string | null) => log.append([record('c', key, value)])
      return { disk, log, turn, put }
    }
    const stateOf = async (log: LocalLog) =>
      (await readAll(log, 'c')).map(({ key, value }) => [key, value && textOf({ value })])
    const dayLater = async (log: LocalLog): Promise<void> => {
      clock += 25 * hour
      await log.applyRetention()
    }

    it('what was removed stays removed, though a first removal failed', async () => {
      const { disk, log, turn, put } = await compacted()
      await put('k', 'v1')
      turn('full')
      await expect(put('k', null)).rejects.toThrow('no space')
      turn('good')
      await put('k', null)
      expect(await stateOf(log)).toEqual([['k', null]])
      await dayLater(log)
      expect(await stateOf(log)).toEqual([])
      await log.close()
      const again = createMemoryLog({ disk, now })
      expect(await stateOf(again)).toEqual([])
      await again.close()
    })

    it('neither goes a value whose successor failed, nor one whose removal did', async () => {
      const { log, turn, put } = await compacted()
      await put('a', 'a1')
      await put('b', 'b1')
      turn('full')
      await expect(Promise.all([put('a', 'a2'), put('b', null)])).rejects.toThrow('no space')
      turn('good')
      await put('c', 'c1')
      await dayLater(log)
      const kept = [
        ['a', 'a1'],
        ['b', 'b1'],
      ]
      expect(await stateOf(log)).toEqual([...kept, ['c', 'c1']])
      await Promise.all([put('a', 'a3'), put('b', 'b3')])
      expect(await stateOf(log)).toEqual([
        ['c', 'c1'],
        ['a', 'a3'],
        ['b', 'b3'],
      ])
      await log.close()
    })

    it('a removed key is forgotten later, where that failed', async () => {
      const { log, turn, put } = await compacted()
      await put('k', 'v1')
      await put('k', null)
      turn('full')
      await expect(dayLater(log)).rejects.toThrow('no space')
      turn('good')
      await log.applyRetention()
      expect(await stateOf(log)).toEqual([])
      await log.close()
    })

    it('a removed key takes along what was left behind before a restart', async () => {
      const { disk, log } = await compacted()
      await log.close()
      const at = (offset: number, value: string | null) => ({
        ...{ ...record('c', 'k', value), topic: 'c', partition: 0, offset },
        ...{ headers: {}, timestamp: clock },
      })
      const left = { records: [at(0, 'v1'), at(1, 'v2'), at(3, null)] }
      await disk.mount().write({ ...emptyChange(), ...left })
      const again = createMemoryLog({ disk, now })
      await dayLater(again)
      expect(await stateOf(again)).toEqual([])
      await again.close()
    })
  })
})
