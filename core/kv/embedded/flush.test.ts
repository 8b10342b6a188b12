import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isZenhookError, ZenhookError } from '../../errors/index.ts'
import { openStorage, type Storage } from '../../storage/index.ts'
import type { Kv } from '../port.ts'
import { createEmbeddedKv, type EmbeddedKvOptions } from './index.ts'

const life = 3_600_000
const never = 3_600_000
const entry = (key: string, value = 'v') => ({ key, value, ttlMs: life })

describe('the way into the engine', () => {
  let dir: string
  let storage: Storage
  let transactions = 0
  /** While set, the engine holds back or refuses what it is given. */
  let gate: Promise<void> | undefined
  /** More operations at once find no room on the disk. */
  let room = Number.POSITIVE_INFINITY
  let open: Kv[] = []

  const openKv = (options: Omit<EmbeddedKvOptions, 'storage'> = {}): Kv => {
    const watched: Storage = {
      ...storage,
      get closed() {
        return storage.closed
      },
      write(operations) {
        transactions += 1
        if (operations.length > room) {
          const full = Promise.reject(new ZenhookError('ZENHOOK_STORAGE_FULL'))
          full.catch(() => undefined)
          return { committed: full, synced: full }
        }
        if (gate === undefined) return storage.write(operations)
        const written = gate.then(() => storage.write(operations))
        const outcome = {
          committed: written.then(({ committed }) => committed),
          synced: written.then(({ synced }) => synced),
        }
        for (const promise of Object.values(outcome)) promise.catch(() => undefined)
        return outcome
      },
    }
    const kv = createEmbeddedKv({ storage: watched, ...options })
    open.push(kv)
    return kv
  }
  const journals = (): string[] => readdirSync(join(dir, 'state'))
  const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => 'resolved',
      (error: unknown) => (isZenhookError(error) ? error.code : error),
    )
  const until = async (condition: () => boolean): Promise<void> => {
    for (let tries = 0; !condition() && tries < 400; tries += 1) await sleep(5)
    expect(condition()).toBe(true)
  }
  const held = (): (() => void) => {
    let release = (): void => undefined
    gate = new Promise((resolve) => {
      release = () => {
        gate = undefined
        resolve()
      }
    })
    return () => release()
  }

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'zenhook-flush-'))
    storage = openStorage(dir)
    transactions = 0
    gate = undefined
    room = Number.POSITIVE_INFINITY
  })
  afterEach(async () => {
    for (const kv of open) await kv.close()
    open = []
    await storage.close()
    rmSync(dir, { recursive: true, force: true })
  })

  it('thousands of operations, one after the other, are a few transactions', async () => {
    const kv = openKv()
    const began = performance.now()
    for (let n = 0; n < 1_000; n += 1) {
      expect(await kv.replace([{ ...entry(`nonce ${n}`), expected: undefined }])).toEqual([true])
      await kv.set([entry(`nonce ${n}`, 'confirmed')])
      await kv.claim([{ key: `c ${n}`, owner: 'me', at: n, windowMs: life }])
      expect(await kv.add('counter', 1, life)).toBe(n + 1)
    }
    await until(() => journals().length === 0)
    // 4,000 operations on 2,001 keys, in steps of 200, and one more for each flush.
    expect(transactions).toBeGreaterThanOrEqual(10)
    expect(transactions).toBeLessThanOrEqual(15 + (performance.now() - began) / 90)
    const stored = [
      ...storage.table('kv.cells').range({ from: Uint8Array.of(0), to: Uint8Array.of(255) }),
    ]
    expect(stored).toHaveLength(2_001)
  })

  it('what came and went meanwhile never reaches the engine', async () => {
    const kv = openKv()
    await kv.set([entry('passing')])
    await kv.delete(['passing'])
    await until(() => journals().length === 0)
    expect([
      ...storage.table('kv.expiry').range({ from: Uint8Array.of(0), to: Uint8Array.of(255) }),
    ]).toEqual([])
  })

  it('the newest is read while older changes are on their way', async () => {
    const kv = openKv({ flushEveryMs: 5 })
    await kv.set([entry('a', '1'), entry('b', '1'), entry('c', '1')])
    const release = held()
    await until(() => transactions > 0)
    await kv.set([entry('a', '2')])
    await kv.delete(['b'])
    expect(await kv.get(['a', 'b', 'c'])).toEqual(['2', undefined, '1'])
    expect(await kv.add('a', 1, life)).toBe(1)
    expect(journals()).toHaveLength(2)
    release()
    await until(() => journals().length === 0)
    expect(await kv.get(['a', 'b', 'c'])).toEqual(['2', undefined, '1'])
  })

  it('operations wait while too much is unflushed, and none is lost', async () => {
    const kv = openKv({ flushBytes: 10_000, maxBytes: 50_000 })
    const release = held()
    let done = 0
    const all = Promise.all(
      Array.from({ length: 8 }, async (_, lane) => {
        for (let n = 0; n < 50; n += 1) {
          await kv.set([entry(`key ${lane} ${n}`, 'x'.repeat(1_000))])
          done += 1
        }
      }),
    )
    await until(() => transactions > 0)
    await sleep(50)
    expect(done).toBeGreaterThan(40)
    // What is on its way, what is full, and one of each lane.
    expect(done).toBeLessThan(120)
    release()
    await all
    const keys = Array.from({ length: 400 }, (_, n) => `key ${n % 8} ${Math.floor(n / 8)}`)
    expect((await kv.get(keys)).every((value) => value?.length === 1_000)).toBe(true)
  })

  it('while the engine refuses, the journal takes over, up to its bound', async () => {
    const kv = openKv({ flushBytes: 10_000, maxBytes: 50_000 })
    gate = Promise.reject(new ZenhookError('ZENHOOK_STORAGE_FULL'))
    gate.catch(() => undefined)
    let promised = 0
    let code: unknown = 'resolved'
    for (; code === 'resolved' && promised < 1_000; promised += 1)
      code = await codeOf(kv.set([entry(`key ${promised}`, 'x'.repeat(1_000))]))
    expect(code).toBe('ZENHOOK_KV_UNAVAILABLE')
    expect(promised).toBeGreaterThan(40)
    expect(promised).toBeLessThan(200)
    gate = undefined
    // It tries again by itself.
    await until(() => journals().length === 0)
    await kv.set([entry('later')])
    const keys = Array.from({ length: promised - 1 }, (_, n) => `key ${n}`)
    expect((await kv.get(keys)).every((value) => value?.length === 1_000)).toBe(true)
  })

  it('a step that the engine refuses stays in the journal, though a smaller one behind it fits', async () => {
    const kv = openKv({ flushEveryMs: never })
    const names = Array.from({ length: 250 }, (_, n) => `key ${n}`)
    for (const name of names) await kv.set([entry(name)])
    // A step is 200 keys, each with its expiry; the last is 50, and the mark.
    room = 200
    await kv.close()
    expect(journals()).toHaveLength(1)
    await storage.close()
    storage = openStorage(dir)
    room = Number.POSITIVE_INFINITY
    expect((await openKv().get(names)).filter((value) => value === undefined)).toEqual([])
  })

  it('where the journal cannot be written, nothing has happened', async () => {
    const kv = openKv({ flushEveryMs: 5 })
    await kv.set([entry('kept', '1')])
    await kv.claim([{ key: 'kept', owner: 'first', at: 1, windowMs: life }])
    await until(() => journals().length === 0)
    rmSync(join(dir, 'state'), { recursive: true })
    const claim = { key: 'lost', owner: 'me', at: 1, windowMs: life }
    // The second asks in the same turn: its answer rests on what the first writes.
    const codes = [
      kv.claim([claim]),
      kv.claim([{ ...claim, owner: 'other' }]),
      kv.set([entry('kept', '2')]),
      kv.get(['kept']),
      kv.delete(['kept']),
      kv.add('counter', 1, life),
    ].map(codeOf)
    expect(new Set(await Promise.all(codes))).toEqual(new Set(['ZENHOOK_KV_UNAVAILABLE']))
    expect(await codeOf(kv.ping())).toBe('ZENHOOK_KV_UNAVAILABLE')
    expect(await kv.get(['kept'])).toEqual(['1'])
    expect(await codeOf(kv.claim([claim]))).toBe('ZENHOOK_KV_UNAVAILABLE')
    mkdirSync(join(dir, 'state'))
    await kv.ping()
    expect((await kv.claim([{ ...claim, owner: 'other' }]))[0]?.owner).toBe('other')
    expect(await kv.add('counter', 1, life)).toBe(1)
    expect(await kv.get(['kept'])).toEqual(['1'])
  })

  it('closing leaves all in the engine and nothing in the journal', async () => {
    const kv = openKv({ flushEveryMs: never, sweepEveryMs: never })
    const asked = [kv.set([entry('a', '1')]), kv.add('n', 2, life)]
    expect(transactions).toBe(0)
    await kv.close()
    await Promise.all(asked)
    expect(journals()).toEqual([])
    rmSync(join(dir, 'state'), { recursive: true })
    const again = openKv()
    expect(await again.get(['a'])).toEqual(['1'])
    expect(await again.add('n', 1, life)).toBe(3)
  })

  it('beneath a closed engine nothing is promised', async () => {
    const kv = openKv({ flushEveryMs: never })
    await kv.set([entry('a', '1')])
    await storage.close()
    expect(await codeOf(kv.set([entry('a', '2')]))).toBe('ZENHOOK_KV_UNAVAILABLE')
    storage = openStorage(dir)
    expect(await openKv().get(['a'])).toEqual(['1'])
  })

  it('who opens the state of a storage twice shares it', async () => {
    const one = createEmbeddedKv({ storage })
    const two = createEmbeddedKv({ storage })
    await one.set([entry('a', '1')])
    expect(await two.get(['a'])).toEqual(['1'])
    await one.close()
    await two.set([entry('a', '2')])
    await two.close()
    expect(journals()).toEqual([])
    const three = createEmbeddedKv({ storage })
    expect(await three.get(['a'])).toEqual(['2'])
    await three.close()
  })
})
