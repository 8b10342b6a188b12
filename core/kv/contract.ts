import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { isZenhookError } from '../errors/index.ts'
import type { Claim, Kv } from './port.ts'

/** What an adapter brings so that the suite can hold it to the promises of `port.ts`. */
export interface KvHarness {
  readonly capabilities: Kv['capabilities']
  readonly timeoutMs: number
  /** Opens a store on the harness's place; several at once where `multiProcess`. */
  open(): Promise<Kv>
  /** Milliseconds since the epoch, as the store counts them. */
  now(): number
  /** Lets time pass for the store: by a hand-moved clock, or by waiting. */
  pass(ms: number): Promise<void>
  /** Closes in order and opens again on the same data. */
  restart?(kv: Kv): Promise<Kv>
  /** The store's process dies; then opens again. */
  crash?(kv: Kv): Promise<Kv>
  destroy(): Promise<void>
}

const windowMs = 60_000

/** Every promise of keyed state, case by case. What does not apply says why it is skipped. */
export const kvContract = (name: string, harness: KvHarness): void => {
  const skip = (context: TestContext, reason: string): void => {
    console.info(`skipped: ${name}: ${context.task.name}: ${reason}`)
    context.skip(reason)
  }

  describe(`kv contract: ${name}`, { timeout: harness.timeoutMs * 4 }, () => {
    let kv: Kv
    let keys = 0
    const key = (label: string): string => `${label}:${process.pid}:${keys++}`
    const claim = (key: string, owner: string, at: number): Claim => ({ key, owner, at, windowMs })
    const holderOf = async (one: Claim): Promise<string | undefined> =>
      (await kv.claim([one]))[0]?.owner

    beforeAll(async () => {
      kv = await harness.open()
    }, harness.timeoutMs * 4)
    afterAll(async () => {
      await kv.close()
      await harness.destroy()
    }, harness.timeoutMs * 4)

    describe('values', () => {
      it('are set, got index by index, overwritten and deleted', async () => {
        const [a, b, c] = [key('a'), key('b'), key('ü·ß')]
        await kv.set([
          { key: a, value: '1', ttlMs: 60_000 },
          { key: c, value: 'drei\u0000\n"€"', ttlMs: 60_000 },
        ])
        expect(await kv.get([a, b, c, a])).toEqual(['1', undefined, 'drei\u0000\n"€"', '1'])
        await kv.set([{ key: a, value: '', ttlMs: 60_000 }])
        expect(await kv.get([a])).toEqual([''])
        await kv.delete([a, b])
        expect(await kv.get([a, b, c])).toEqual([undefined, undefined, 'drei\u0000\n"€"'])
      })

      it('live as long as they are given, and an overwrite gives a new life', async () => {
        const [short, long, renewed] = [key('short'), key('long'), key('renewed')]
        await kv.set([
          { key: short, value: 's', ttlMs: 200 },
          { key: long, value: 'l', ttlMs: 60_000 },
          { key: renewed, value: 'r', ttlMs: 200 },
        ])
        expect(await kv.get([short, long, renewed])).toEqual(['s', 'l', 'r'])
        await kv.set([{ key: renewed, value: 'r2', ttlMs: 60_000 }])
        await harness.pass(300)
        expect(await kv.get([short, long, renewed])).toEqual([undefined, 'l', 'r2'])
      })

      it('take long keys and large values, and nothing at all', async () => {
        const [long, longer] = [key('k'.repeat(3_000)), key('k'.repeat(3_000))]
        const value = 'v'.repeat(300_000)
        await kv.set([{ key: long, value, ttlMs: 60_000 }])
        expect(await kv.get([long, longer])).toEqual([value, undefined])
        expect(await kv.get([])).toEqual([])
        expect(await kv.claim([])).toEqual([])
        expect(await kv.replace([])).toEqual([])
        await kv.set([])
        await kv.delete([])
      })

      it('the last of one key in a batch stays', async () => {
        const a = key('twice')
        await kv.set([
          { key: a, value: 'first', ttlMs: 60_000 },
          { key: a, value: 'last', ttlMs: 60_000 },
        ])
        expect(await kv.get([a])).toEqual(['last'])
      })
    })

    describe('replace', () => {
      it('writes only over what is expected', async () => {
        const [a, b] = [key('a'), key('b')]
        await kv.set([{ key: a, value: '1', ttlMs: 60_000 }])
        const entry = (key: string, expected: string | undefined, value: string) => ({
          key,
          expected,
          value,
          ttlMs: 60_000,
        })
        expect(
          await kv.replace([entry(a, '1', '2'), entry(b, '1', '2'), entry(a, '1', '3')]),
        ).toEqual([true, false, false])
        expect(await kv.replace([entry(a, undefined, 'x'), entry(b, undefined, 'y')])).toEqual([
          false,
          true,
        ])
        expect(await kv.get([a, b])).toEqual(['2', 'y'])
      })

      it('lets exactly one of many win', async () => {
        const a = key('race')
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            kv.replace([{ key: a, expected: undefined, value: String(index), ttlMs: 60_000 }]),
          ),
        )
        const winners = answers.flatMap(([won], index) => (won === true ? [String(index)] : []))
        expect(winners).toHaveLength(1)
        expect(await kv.get([a])).toEqual(winners)
      })

      it('takes an expired value as absent', async () => {
        const a = key('expired')
        await kv.set([{ key: a, value: '1', ttlMs: 100 }])
        await harness.pass(200)
        expect(
          await kv.replace([{ key: a, expected: undefined, value: '2', ttlMs: 60_000 }]),
        ).toEqual([true])
      })
    })

    describe('counters', () => {
      it('add up, and their life starts with the first addition', async () => {
        const a = key('count')
        expect(await kv.add(a, 2, 400)).toBe(2)
        expect(await kv.add(a, -5, 60_000)).toBe(-3)
        await harness.pass(500)
        expect(await kv.add(a, 1, 60_000)).toBe(1)
      })

      it('lose no addition of many at once', async () => {
        const a = key('many')
        const sums = await Promise.all(Array.from({ length: 50 }, () => kv.add(a, 1, 60_000)))
        expect([...sums].sort((x, y) => x - y)).toEqual(
          Array.from({ length: 50 }, (_, index) => index + 1),
        )
      })

      it('stand apart from values and claims of the same name; delete removes all', async () => {
        const a = key('same')
        const at = harness.now()
        await kv.set([{ key: a, value: 'v', ttlMs: 60_000 }])
        expect(await kv.add(a, 1, 60_000)).toBe(1)
        expect(await holderOf(claim(a, 'me', at))).toBe('me')
        expect(await kv.get([a])).toEqual(['v'])
        await kv.delete([a])
        expect(await kv.get([a])).toEqual([undefined])
        expect(await kv.add(a, 1, 60_000)).toBe(1)
        expect(await holderOf(claim(a, 'other', at))).toBe('other')
      })
    })

    describe('claims', () => {
      it('go to the first owner, and say who and when', async () => {
        const [a, b] = [key('a'), key('b')]
        const at = harness.now()
        expect(await kv.claim([claim(a, 'one', at), claim(b, 'two', at + 1)])).toEqual([
          { owner: 'one', at },
          { owner: 'two', at: at + 1 },
        ])
        expect(await kv.claim([claim(b, 'three', at + 5), claim(a, 'one', at)])).toEqual([
          { owner: 'two', at: at + 1 },
          { owner: 'one', at },
        ])
      })

      it('within one batch the first of a key wins', async () => {
        const a = key('batch')
        const at = harness.now()
        const holders = await kv.claim(['x', 'y', 'x'].map((owner) => claim(a, owner, at)))
        expect(holders.map(({ owner }) => owner)).toEqual(['x', 'x', 'x'])
      })

      it('are measured by their own time, whatever the order of processing', async () => {
        const a = key('window')
        const at = harness.now()
        expect(await holderOf(claim(a, 'first', at))).toBe('first')
        expect(await holderOf(claim(a, 'inside', at + windowMs - 1))).toBe('first')
        expect(await holderOf(claim(a, 'before', at - windowMs + 1))).toBe('first')
        expect(await holderOf(claim(a, 'next', at + windowMs))).toBe('next')
        expect(await holderOf(claim(a, 'early', at - windowMs))).toBe('early')
        // The late copy of an old event did not take the key from those that came after it.
        expect(await holderOf(claim(a, 'copy', at + 1.5 * windowMs))).toBe('next')
        expect(await holderOf(claim(a, 'first', at))).toBe('first')
        expect(await holderOf(claim(a, 'next', at + windowMs))).toBe('next')
      })

      it('remember a bounded number per key, the newest', async () => {
        const a = key('bounded')
        const at = harness.now()
        for (let n = 0; n < 20; n += 1)
          expect(await holderOf(claim(a, `o${n}`, at + n * windowMs))).toBe(`o${n}`)
        expect(await holderOf(claim(a, 'copy', at + 19 * windowMs + 1))).toBe('o19')
        expect(await holderOf(claim(a, 'copy', at + 13 * windowMs))).toBe('o13')
      })

      it('let exactly one of many win', async () => {
        const a = key('race')
        const at = harness.now()
        const others = harness.capabilities.multiProcess
          ? [kv, await harness.open(), await harness.open()]
          : [kv]
        const holders = await Promise.all(
          Array.from({ length: 60 }, (_, index) =>
            others[index % others.length]?.claim([claim(a, `owner-${index}`, at + (index % 7))]),
          ),
        )
        for (const other of others) if (other !== kv) await other.close()
        const owners = holders.map((one) => one?.[0]?.owner)
        expect(new Set(owners).size).toBe(1)
        expect(owners[0]).toMatch(/^owner-/)
      })

      it('keep fractions and large batches exact', async () => {
        const at = harness.now() + 0.5
        const claims = Array.from({ length: 500 }, (_, index) =>
          claim(key('many'), `o${index}`, at + index),
        )
        expect(await kv.claim(claims)).toEqual(claims.map(({ owner, at }) => ({ owner, at })))
      })
    })

    describe('restarts', () => {
      const fill = async (): Promise<() => Promise<void>> => {
        const [a, b, c, short] = [key('value'), key('counter'), key('claim'), key('short')]
        const at = harness.now()
        await kv.set([
          { key: a, value: 'kept', ttlMs: 600_000 },
          { key: short, value: 'gone', ttlMs: 100 },
        ])
        await kv.add(b, 41, 600_000)
        await kv.claim([claim(c, 'holder', at)])
        return async () => {
          await harness.pass(200)
          expect(await kv.get([a, short])).toEqual(['kept', undefined])
          expect(await kv.add(b, 1, 600_000)).toBe(42)
          expect(await holderOf(claim(c, 'other', at + 1))).toBe('holder')
          expect(await holderOf(claim(c, 'holder', at))).toBe('holder')
        }
      }

      it('keep everything', async (context) => {
        if (harness.restart === undefined) return skip(context, 'it does not outlive its process')
        const check = await fill()
        kv = await harness.restart(kv)
        await check()
      })

      it('keep everything after a crash', async (context) => {
        if (harness.crash === undefined) return skip(context, 'it does not outlive its process')
        const check = await fill()
        kv = await harness.crash(kv)
        await check()
      })

      it('a closed store refuses, and closes twice', async () => {
        const closing = await harness.open()
        await closing.ping()
        await closing.close()
        await closing.close()
        for (const call of [
          () => closing.get(['a']),
          () => closing.set([{ key: 'a', value: 'b', ttlMs: 1 }]),
          () => closing.claim([claim('a', 'b', 1)]),
          () => closing.add('a', 1, 1),
          () => closing.ping(),
        ]) {
          const error: unknown = await call().then(
            () => 'resolved',
            (error: unknown) => error,
          )
          expect(isZenhookError(error) && error.code).toBe('ZENHOOK_KV_CLOSED')
        }
      })
    })
  })
}
