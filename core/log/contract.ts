import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { isZenhookError } from '../errors/index.ts'
import {
  type Consumer,
  codeOf,
  type LogHarness,
  lastOf,
  numbered,
  text,
  textOf,
} from './contract-harness.ts'
import type {
  Batch,
  Gap,
  Log,
  NewRecord,
  StoredRecord,
  SubscribeOptions,
  Subscription,
  TopicSpec,
} from './port.ts'

export type { LogHarness } from './contract-harness.ts'

/** Every promise of the log, case by case. What does not apply to an adapter says why it is skipped. */
export const logContract = (name: string, harness: LogHarness): void => {
  const { capabilities, timeoutMs } = harness
  const skip = (context: TestContext, reason: string): void => {
    console.info(`skipped: ${name}: ${context.task.name}: ${reason}`)
    context.skip(reason)
  }

  describe(`log contract: ${name}`, { timeout: timeoutMs * 8 }, () => {
    let log: Log
    let open: Subscription[] = []

    const until = async (
      what: string,
      holds: () => boolean,
      limitMs = timeoutMs,
    ): Promise<void> => {
      const deadline = Date.now() + limitMs
      while (!holds()) {
        if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`)
        await sleep(5)
      }
    }
    const topicOf = async (label: string, spec: Partial<TopicSpec> = {}): Promise<string> => {
      const topic = harness.topic(label)
      await log.ensureTopics([
        { name: topic, partitions: 1, retentionMs: -1, maxMessageBytes: 2 ** 21, ...spec },
      ])
      return topic
    }
    /** Collects what it is given; settles each batch unless `handle` says what else to do. */
    const consume = async (
      topic: string,
      options: Partial<SubscribeOptions> = {},
      handle: (batch: Batch) => Promise<{ redeliverAt: number } | undefined> = async (batch) => {
        await batch.settle(lastOf(batch.records))
        return undefined
      },
    ): Promise<Consumer> => {
      const batches: Batch[] = []
      const records: StoredRecord[] = []
      const errors: unknown[] = []
      const gaps: Gap[] = []
      const subscription = await log.subscribe(
        {
          group: `${topic}.group`,
          topics: [topic],
          onError: (error) => errors.push(error),
          onGap: (gap) => gaps.push(gap),
          ...options,
        },
        (batch) => {
          batches.push(batch)
          records.push(...batch.records)
          return handle(batch)
        },
      )
      open.push(subscription)
      await subscription.ready()
      return { batches, records, errors, gaps, subscription, values: () => records.map(textOf) }
    }
    const closeAll = async (): Promise<void> => {
      const closing = open
      open = []
      await Promise.all(closing.map((subscription) => subscription.close()))
    }
    const readAll = async (topic: string): Promise<StoredRecord[]> => {
      const all: StoredRecord[] = []
      for (const end of await log.ends(topic)) {
        const from = { topic, partition: end.partition, offset: end.first }
        for await (const record of log.read(from)) all.push(record)
      }
      return all
    }
    const lagOf = async (group: string): Promise<number> =>
      (await log.lag(group)).reduce((sum, lag) => sum + lag.records, 0)

    const test = (label: string, run: (context: TestContext) => Promise<void>): void => {
      it(label, async (context) => {
        try {
          await run(context)
        } finally {
          await closeAll()
        }
      })
    }

    beforeAll(async () => {
      log = await harness.open()
    }, timeoutMs * 8)
    afterAll(async () => {
      await log.close()
      await harness.destroy()
    }, timeoutMs * 8)

    describe('appending', () => {
      test('positions come index by index, and bytes and headers come back', async () => {
        const topic = await topicOf('round-trip', { partitions: 3 })
        const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
        const records: NewRecord[] = [
          {
            topic,
            key: 'a',
            value: bytes,
            headers: { id: '1', tracestate: 'é=ü' },
            timestamp: 1e12,
          },
          { topic, key: null, value: new Uint8Array() },
          { topic, key: 'schlüssel', value: text('b') },
          { topic, key: 'a', value: text('c') },
        ]
        const positions = await log.append(records)
        expect(positions).toHaveLength(4)
        expect(positions[3]?.partition).toBe(positions[0]?.partition)
        const stored = await readAll(topic)
        records.forEach((record, index) => {
          const found = stored.find(
            ({ partition, offset }) =>
              partition === positions[index]?.partition && offset === positions[index]?.offset,
          )
          expect(found?.topic).toBe(topic)
          expect(found?.key).toBe(record.key)
          expect(Buffer.from(found?.value ?? [])).toEqual(Buffer.from(record.value ?? []))
          expect(found?.headers).toEqual(record.headers ?? {})
        })
        const [first] = stored.filter((record) => record.headers.id === '1')
        expect(first?.timestamp).toBe(1e12)
        const untimed = stored.find((record) => record.key === 'schlüssel')
        expect(Math.abs((untimed?.timestamp ?? 0) - Date.now())).toBeLessThan(timeoutMs * 8)
      })

      test('keeps its own copy of the bytes', async () => {
        const topic = await topicOf('copy')
        const value = text('before')
        await log.append([{ topic, key: 'a', value }])
        value.fill(0)
        expect((await readAll(topic)).map(textOf)).toEqual(['before'])
      })

      test('keeps the order of a key, and a key in its partition', async () => {
        const topic = await topicOf('order', { partitions: 4 })
        const keys = Array.from({ length: 12 }, (_, index) => `key-${index}`)
        for (let round = 0; round < 10; round += 1)
          await log.append(keys.map((key) => ({ topic, key, value: text(String(round)) })))
        const stored = await readAll(topic)
        for (const key of keys) {
          const mine = stored.filter((record) => record.key === key)
          expect(new Set(mine.map(({ partition }) => partition)).size).toBe(1)
          expect(mine.map(textOf)).toEqual(Array.from({ length: 10 }, (_, n) => String(n)))
        }
        expect(new Set(stored.map(({ partition }) => partition)).size).toBeGreaterThan(1)
      })

      test('spreads records without a key', async () => {
        const topic = await topicOf('spread', { partitions: 4 })
        for (let n = 0; n < 8; n += 1) await log.append(numbered(topic, 25, null))
        expect(new Set((await readAll(topic)).map((one) => one.partition)).size).toBeGreaterThan(1)
      })

      test('takes what is unordered wherever it puts it, and all of it', async () => {
        const topic = await topicOf('unordered', { partitions: 4 })
        await log.append(numbered(topic, 20, 'k').map((one) => ({ ...one, unordered: true })))
        expect(new Set((await readAll(topic)).map(textOf)).size).toBe(20)
      })

      test('many at once lose and double nothing', async () => {
        const topic = await topicOf('concurrent', { partitions: 3 })
        const appended = await Promise.all(
          Array.from({ length: 200 }, (_, index) =>
            log.append([{ topic, key: `k${index % 17}`, value: text(String(index)) }]),
          ),
        )
        const places = appended.flat().map(({ partition, offset }) => `${partition}/${offset}`)
        expect(new Set(places).size).toBe(200)
        const values = (await readAll(topic)).map(textOf).sort((a, b) => Number(a) - Number(b))
        expect(values).toEqual(Array.from({ length: 200 }, (_, index) => String(index)))
      })

      test('calls made in order for one key are stored in order', async () => {
        const topic = await topicOf('pipelined')
        await Promise.all(
          Array.from({ length: 100 }, (_, index) =>
            log.append([{ topic, key: 'one', value: text(String(index)) }]),
          ),
        )
        expect((await readAll(topic)).map((record) => Number(textOf(record)))).toEqual(
          Array.from({ length: 100 }, (_, index) => index),
        )
      })

      test('takes a record of 1 MiB', async () => {
        const topic = await topicOf('large')
        const value = new Uint8Array(2 ** 20).fill(7)
        await log.append([{ topic, key: 'a', value }])
        const consumer = await consume(topic)
        await until('the large record', () => consumer.records.length === 1)
        expect(Buffer.compare(consumer.records[0]?.value ?? new Uint8Array(), value)).toBe(0)
      })

      test('refuses what is too large, and unknown topics', async () => {
        const topic = await topicOf('limits', { maxMessageBytes: 10_000 })
        const large = { topic, key: 'a', value: new Uint8Array(20_000) }
        expect(await codeOf(log.append([large]))).toBe('ZENHOOK_LOG_RECORD_TOO_LARGE')
        const unknown = [{ topic: harness.topic('never-made'), key: 'a', value: text('x') }]
        expect(await codeOf(log.append(unknown))).toBe('ZENHOOK_LOG_UNKNOWN_TOPIC')
        await log.append(numbered(topic, 1))
        expect((await readAll(topic)).map(textOf)).toEqual(['0'])
      })

      test('ensureTopics is idempotent, append of nothing is nothing, ping answers', async () => {
        const topic = await topicOf('idempotent', { partitions: 2 })
        await log.append(numbered(topic, 3))
        const spec = { name: topic, partitions: 2, retentionMs: -1, maxMessageBytes: 2 ** 21 }
        await log.ensureTopics([spec])
        expect(await log.append([])).toEqual([])
        expect(await readAll(topic)).toHaveLength(3)
        expect(await log.ends(topic)).toHaveLength(2)
        await log.ping()
      })
    })

    describe('reading without a group', () => {
      test('gives the asked range, and ends', async () => {
        const topic = await topicOf('range')
        const positions = await log.append(numbered(topic, 10))
        const from = positions[3] ?? lastOf(positions)
        const values: string[] = []
        for await (const record of log.read(from, positions[7]?.offset)) values.push(textOf(record))
        expect(values).toEqual(['3', '4', '5', '6'])
        const open: string[] = []
        for await (const record of log.read(from)) {
          if (open.length === 0) await log.append(numbered(topic, 1))
          open.push(textOf(record))
        }
        expect(open).toEqual(['3', '4', '5', '6', '7', '8', '9'])
        const beyond = { ...from, offset: lastOf(positions).offset + 1_000 }
        for await (const record of log.read(beyond)) throw new Error(`unexpected ${record.offset}`)
      })

      test('stops when it is aborted', async () => {
        const topic = await topicOf('read-abort')
        const [from] = await log.append(numbered(topic, 50))
        if (from === undefined) throw new Error('no position')
        const controller = new AbortController()
        let seen = 0
        const reading = (async () => {
          for await (const _ of log.read(from, undefined, controller.signal)) {
            seen += 1
            controller.abort()
          }
        })()
        await reading.catch(() => undefined)
        expect(seen).toBeLessThan(50)
      })

      test('ends names the first retained and the next offset', async () => {
        const topic = await topicOf('ends', { partitions: 2 })
        const positions = await log.append(numbered(topic, 5, 'same'))
        const ends = await log.ends(topic)
        const mine = ends.find(({ partition }) => partition === positions[0]?.partition)
        expect(mine?.first).toBe(positions[0]?.offset)
        expect(mine?.next).toBeGreaterThan(lastOf(positions).offset)
        const other = ends.find(({ partition }) => partition !== positions[0]?.partition)
        expect(other?.first).toBe(other?.next)
      })
    })

    describe('groups', () => {
      test('each group sees every record, from the oldest on, and new ones at once', async () => {
        const topic = await topicOf('groups', { partitions: 2 })
        await log.append([...numbered(topic, 5, 'a'), ...numbered(topic, 5, 'b')])
        const one = await consume(topic, { group: `${topic}.one` })
        const two = await consume(topic, { group: `${topic}.two` })
        await until('all ten', () => one.records.length === 10 && two.records.length === 10)
        await log.append(numbered(topic, 3, 'c'))
        await until('the new', () => one.records.length === 13 && two.records.length === 13)
        expect(one.values().sort()).toEqual(two.values().sort())
      })

      test('a batch is one partition, ascending, within maxRecords', async () => {
        const topic = await topicOf('batch', { partitions: 2 })
        await log.append([...numbered(topic, 30, 'a'), ...numbered(topic, 30, 'b')])
        const consumer = await consume(topic, { maxRecords: 7 })
        await until('all sixty', () => consumer.records.length === 60)
        for (const batch of consumer.batches) {
          expect(batch.records.length).toBeGreaterThan(0)
          expect(batch.records.length).toBeLessThanOrEqual(7)
          expect(batch.records.every(({ partition }) => partition === batch.partition)).toBe(true)
          const offsets = batch.records.map(({ offset }) => offset)
          expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
        }
      })

      test('one call per partition at a time, partitions side by side', async () => {
        const topic = await topicOf('parallel', { partitions: 2 })
        for (let n = 0; n < 8; n += 1) await log.append(numbered(topic, 4, `k${n}`))
        const running = new Map<number, number>()
        let most = 0
        let together = 0
        const consumer = await consume(topic, { maxRecords: 2 }, async (batch) => {
          running.set(batch.partition, (running.get(batch.partition) ?? 0) + 1)
          most = Math.max(most, running.get(batch.partition) ?? 0)
          together = Math.max(together, [...running.values()].filter((count) => count > 0).length)
          await sleep(20)
          running.set(batch.partition, (running.get(batch.partition) ?? 0) - 1)
          await batch.settle(lastOf(batch.records))
          return undefined
        })
        await until('all', () => consumer.records.length === 32)
        expect(most).toBe(1)
        expect(together).toBe(2)
      })

      test('what was not settled comes back to the next subscription, the rest does not', async () => {
        const topic = await topicOf('unsettled')
        await log.append(numbered(topic, 10))
        let settled = false
        const settleFourth = async (batch: Batch): Promise<undefined> => {
          const fourth = batch.records.find((record) => textOf(record) === '3')
          if (fourth === undefined) return
          await batch.settle(fourth)
          settled = true
        }
        const first = await consume(topic, {}, settleFourth)
        await until('the first read', () => settled && first.records.length === 10)
        await closeAll()
        const second = await consume(topic)
        await until('the rest', () => second.records.length >= 6)
        expect(second.values()).toEqual(['4', '5', '6', '7', '8', '9'])
      })

      test('settling may come later, from outside the handler', async () => {
        const topic = await topicOf('later')
        await log.append(numbered(topic, 6))
        const first = await consume(topic, { maxRecords: 2 }, async () => undefined)
        await until('all without settling', () => first.records.length === 6)
        await lastOf(first.batches).settle(lastOf(first.records))
        expect(await lagOf(`${topic}.group`)).toBe(0)
        await closeAll()
        const second = await consume(topic)
        await log.append([{ topic, key: 'k', value: text('new') }])
        await until('the new one', () => second.records.length > 0)
        expect(second.values()).toEqual(['new'])
      })

      test('settle appends the outputs, and an empty settle only moves on', async () => {
        const topic = await topicOf('in')
        const out = await topicOf('out', { partitions: 2 })
        await log.append(numbered(topic, 4))
        const consumer = await consume(topic, { maxRecords: 2 }, async (batch) => {
          const outputs = batch.records
            .filter((record) => Number(textOf(record)) < 2)
            .map((record) => ({
              topic: out,
              key: textOf(record),
              value: text(`out ${textOf(record)}`),
            }))
          await batch.settle(lastOf(batch.records), outputs)
          return undefined
        })
        await until('all', () => consumer.records.length === 4)
        await closeAll()
        expect((await readAll(out)).map(textOf).sort()).toEqual(['out 0', 'out 1'])
        expect(await lagOf(`${topic}.group`)).toBe(0)
      })

      test('an output that cannot be appended leaves the progress where it was', async () => {
        const topic = await topicOf('bad-output')
        await log.append(numbered(topic, 1))
        const unknown = { topic: harness.topic('never-made'), key: null, value: text('x') }
        const codes: string[] = []
        const consumer = await consume(topic, {}, async (batch) => {
          codes.push(await codeOf(batch.settle(lastOf(batch.records), [unknown])))
          return undefined
        })
        await until('an answer', () => codes.length === 1)
        expect(codes).toEqual(['ZENHOOK_LOG_UNKNOWN_TOPIC'])
        expect(consumer.errors).toEqual([])
        await closeAll()
        const again = await consume(topic)
        await until('it comes back', () => again.records.length === 1)
      })

      test('a handler that throws gets everything unsettled again, and the error is told', async () => {
        const topic = await topicOf('throws')
        await log.append(numbered(topic, 4))
        let failures = 2
        const consumer = await consume(topic, { maxRecords: 2 }, async (batch) => {
          if (textOf(lastOf(batch.records)) === '3' && failures > 0) {
            failures -= 1
            throw new Error('planned')
          }
          if (failures === 0) await batch.settle(lastOf(batch.records))
          return undefined
        })
        const third = () => consumer.values().join('') === '0123'.repeat(3)
        await until('a full third pass', third)
        expect(consumer.errors).toHaveLength(2)
        await consumer.subscription.close()
        expect(await lagOf(`${topic}.group`)).toBe(0)
      })

      test('redeliverAt hands everything unsettled out again, not before', async () => {
        const topic = await topicOf('redeliver')
        await log.append(numbered(topic, 3))
        const times: number[] = []
        let asked = 0
        const consumer = await consume(topic, {}, async (batch) => {
          times.push(Date.now())
          if (asked === 0) {
            const [first] = batch.records
            if (first !== undefined) await batch.settle(first)
            asked = Date.now() + 300
            return { redeliverAt: asked }
          }
          await batch.settle(lastOf(batch.records))
          return undefined
        })
        await until('the second time', () => times.length >= 2)
        expect(times[1]).toBeGreaterThanOrEqual(asked - 5)
        expect(consumer.batches[1]?.records.map(textOf)[0]).toBe('1')
        expect(consumer.errors).toEqual([])
      })

      test('lag counts what a group has not settled', async () => {
        const topic = await topicOf('lag', { partitions: 2 })
        const group = `${topic}.group`
        await log.append([...numbered(topic, 6, 'a'), ...numbered(topic, 4, 'b')])
        const consumer = await consume(topic, {}, async () => undefined)
        await until('all', () => consumer.records.length === 10)
        expect(await lagOf(group)).toBe(10)
        for (const batch of consumer.batches) await batch.settle(lastOf(batch.records))
        expect(await lagOf(group)).toBe(0)
        await log.append(numbered(topic, 3, 'a'))
        expect(await lagOf(group)).toBe(3)
        const lags = await log.lag(group)
        expect(lags.every((lag) => lag.topic === topic)).toBe(true)
      })

      test('ephemeral progress lives with its subscription', async () => {
        const topic = await topicOf('ephemeral')
        await log.append(numbered(topic, 3))
        const one = await consume(topic, { ephemeral: true })
        const two = await consume(topic, { ephemeral: true })
        await until('both all', () => one.records.length === 3 && two.records.length === 3)
        await closeAll()
        const three = await consume(topic, { ephemeral: true })
        await until('all again', () => three.records.length === 3)
        expect(three.values()).toEqual(['0', '1', '2'])
      })

      test('two consumers of a group split the partitions; the one that stays takes over', async () => {
        const topic = await topicOf('split', { partitions: 4 })
        const one = await consume(topic)
        const two = await consume(topic)
        const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`)
        let round = 0
        const deadline = Date.now() + timeoutMs
        const owners = (consumer: Consumer) =>
          new Set(
            consumer.records
              .filter((record) => textOf(record) === String(round))
              .map(({ partition }) => partition),
          )
        while (owners(one).size === 0 || owners(two).size === 0) {
          expect(Date.now()).toBeLessThan(deadline)
          round += 1
          await log.append(keys.map((key) => ({ topic, key, value: text(String(round)) })))
          await until('the round', () => {
            const seen = [...one.records, ...two.records].filter(
              (record) => textOf(record) === String(round),
            )
            return new Set(seen.map(({ key }) => key)).size === keys.length
          })
        }
        await one.subscription.close()
        const before = one.records.length
        round += 1
        await log.append(keys.map((key) => ({ topic, key, value: text(String(round)) })))
        await until(
          'two sees all',
          () => owners(two).size === 4 || owners(two).size === owners(one).size,
        )
        await until('every key', () => {
          const mine = two.records.filter((record) => textOf(record) === String(round))
          return new Set(mine.map(({ key }) => key)).size === keys.length
        })
        expect(one.records.length).toBe(before)
      })

      test('a zombie cannot move progress once its partition has moved', async () => {
        const topic = await topicOf('zombie', { partitions: 2 })
        for (let n = 0; n < 8; n += 1) await log.append(numbered(topic, 2, `k${n}`))
        let release = (): void => {}
        const held = new Promise<void>((resolve) => {
          release = resolve
        })
        const zombie = await consume(topic, {}, async (batch) => {
          await Promise.race([
            held,
            new Promise((resolve) => batch.signal.addEventListener('abort', resolve)),
          ])
          return undefined
        })
        await until('both partitions held', () => zombie.batches.length === 2)
        const heir = await consume(topic, {}, async () => undefined)
        await until('one moved', () => heir.records.length > 0)
        const moved = heir.batches[0]?.partition
        const stale = zombie.batches.find(({ partition }) => partition === moved)
        if (stale === undefined) throw new Error('the heir got a partition that nobody held')
        expect(stale.signal.aborted).toBe(true)
        expect(await codeOf(stale.settle(lastOf(stale.records)))).toBe('ZENHOOK_LOG_NOT_OWNER')
        const group = `${topic}.group`
        const lag = (await log.lag(group)).find(({ partition }) => partition === moved)
        expect(lag?.records).toBe(stale.records.length)
        release()
      })

      test('closing aborts the signals, waits for handlers, and calls none afterwards', async () => {
        const topic = await topicOf('close')
        await log.append(numbered(topic, 4))
        let finished = false
        let settled = 'never'
        const consumer = await consume(topic, { maxRecords: 2 }, async (batch) => {
          await new Promise((resolve) => batch.signal.addEventListener('abort', resolve))
          await sleep(30)
          settled = await codeOf(batch.settle(lastOf(batch.records)))
          finished = true
          return undefined
        })
        await until('a batch', () => consumer.batches.length === 1)
        const began = Date.now()
        await consumer.subscription.close()
        expect(finished).toBe(true)
        expect(Date.now() - began).toBeLessThan(timeoutMs)
        expect(consumer.batches).toHaveLength(1)
        await consumer.subscription.close()
        // An adapter may take a last settle of a draining handler or refuse it, but it may not lie about it.
        expect(['resolved', 'ZENHOOK_LOG_NOT_OWNER']).toContain(settled)
        const next = await consume(topic)
        await until('the rest', () => next.values().at(-1) === '3')
        expect(next.values()[0]).toBe(settled === 'resolved' ? '2' : '0')
      })
    })

    describe('retention, compaction and delay', () => {
      for (const had of [2, 0])
        test(`reports records removed before they were read, ${had} settled`, async (context) => {
          if (harness.trim === undefined) return skip(context, 'the harness cannot trim')
          const topic = await topicOf(`gap${had}`, { retentionMs: 7 * 86_400_000 })
          const positions = await log.append(numbered(topic, 10))
          const first = await consume(topic, { maxRecords: 2 }, async (batch) => {
            const last = lastOf(batch.records)
            if (Number(textOf(last)) < had) await batch.settle(last)
            return undefined
          })
          await until('some', () => first.records.length >= 4)
          await closeAll()
          const [offset = -1, end = -1] = [had, 6].map((at) => positions[at]?.offset)
          await harness.trim(log, topic, 0, end)
          expect((await log.ends(topic))[0]?.first).toBe(end)
          const second = await consume(topic)
          await until('what is left', () => second.values().at(-1) === '9')
          expect(second.values()).toEqual(['6', '7', '8', '9'])
          const lost = { topic, partition: 0, offset, until: end, group: `${topic}.group` }
          expect(second.gaps).toEqual([lost])
        })

      test('keeps the newest record per key where compacted', async () => {
        const topic = await topicOf('compacted', { compacted: true })
        for (let round = 0; round < 5; round += 1)
          await log.append(['a', 'b'].map((key) => ({ topic, key, value: text(`${key}${round}`) })))
        await log.append([{ topic, key: 'a', value: null }])
        await harness.compact?.(log, topic)
        const newest = new Map<string | null, string | undefined>()
        const consumer = await consume(topic, { ephemeral: true })
        await until('the newest', () => consumer.records.some((record) => record.value === null))
        for (const record of consumer.records)
          newest.set(record.key, record.value === null ? undefined : textOf(record))
        expect(newest.get('b')).toBe('b4')
        expect(newest.get('a')).toBeUndefined()
        expect(consumer.gaps).toEqual([])
        if (harness.compact === undefined) expect(consumer.records).toHaveLength(2)
      })

      test('notBefore is honoured, and holds nobody else up', async (context) => {
        if (!capabilities.delayedRecords) return skip(context, 'delays are tiers of topics here')
        const topic = await topicOf('delayed')
        const due = Date.now() + 400
        await log.append([
          { topic, key: 'k', value: text('late'), notBefore: due, headers: { h: '1' } },
          { topic, key: 'k', value: text('now') },
          { topic, key: 'k', value: text('past'), notBefore: Date.now() - 1_000 },
        ])
        const waiting: string[] = []
        for await (const record of log.delayed?.(topic) ?? []) waiting.push(textOf(record))
        expect(waiting).toEqual(['late'])
        const arrivals = new Map<string, number>()
        const consumer = await consume(topic, {}, async (batch) => {
          for (const record of batch.records) arrivals.set(textOf(record), Date.now())
          await batch.settle(lastOf(batch.records))
          return undefined
        })
        await until('the others', () => consumer.records.length === 2)
        expect(Date.now()).toBeLessThan(due)
        await until('the late one', () => consumer.records.length === 3)
        expect(arrivals.get('late')).toBeGreaterThanOrEqual(due)
        expect(arrivals.get('late')).toBeLessThan(due + 1_000)
        expect(consumer.records[2]?.headers).toEqual({ h: '1' })
      })

      test('notBefore outlives a restart', async (context) => {
        if (!capabilities.delayedRecords) return skip(context, 'delays are tiers of topics here')
        if (harness.restart === undefined) return skip(context, 'the harness cannot restart')
        const topic = await topicOf('delayed-restart')
        const [soon, later] = [Date.now() + 50, Date.now() + 500]
        await log.append([
          { topic, key: 'k', value: text('later'), notBefore: later },
          { topic, key: 'k', value: text('soon'), notBefore: soon },
        ])
        log = await harness.restart(log)
        const consumer = await consume(topic)
        await until('both', () => consumer.records.length === 2)
        expect(Date.now()).toBeGreaterThanOrEqual(later)
        expect(consumer.values()).toEqual(['soon', 'later'])
      })
    })

    describe('restarts and faults', () => {
      test('a restart keeps records, positions and ends', async (context) => {
        if (harness.restart === undefined) return skip(context, 'the harness cannot restart')
        const topic = await topicOf('restart', { partitions: 2 })
        await log.append([...numbered(topic, 6, 'a'), ...numbered(topic, 6, 'b')])
        const first = await consume(topic, { maxRecords: 3 }, async (batch) => {
          if (batch.records.some((record) => textOf(record) === '0'))
            await batch.settle(lastOf(batch.records))
          return undefined
        })
        await until('all', () => first.records.length === 12)
        await closeAll()
        const ends = await log.ends(topic)
        const lag = await lagOf(`${topic}.group`)
        expect(lag).toBeGreaterThan(0)
        log = await harness.restart(log)
        expect(await log.ends(topic)).toEqual(ends)
        expect(await lagOf(`${topic}.group`)).toBe(lag)
        const second = await consume(topic)
        await until('the unsettled', () => second.records.length >= lag)
        expect(second.records).toHaveLength(lag)
      })

      test('a crash loses nothing acknowledged, and progress never passes a missing output', async (context) => {
        if (harness.crash === undefined) return skip(context, 'the harness cannot crash')
        const topic = await topicOf('crash-in')
        const out = await topicOf('crash-out')
        const acknowledged: string[] = []
        const settled: string[] = []
        await consume(topic, { maxRecords: 3 }, async (batch) => {
          const outputs = batch.records.map((record) => ({
            topic: out,
            key: 'o',
            value: record.value,
          }))
          batch.settle(lastOf(batch.records), outputs).then(
            () => settled.push(...batch.records.map(textOf)),
            () => undefined,
          )
          return undefined
        })
        let dead = false
        const appending = Array.from({ length: 4 }, async (_, lane) => {
          for (let n = 0; !dead; n += 1) {
            const id = `${lane}-${n}`
            try {
              await log.append([{ topic, key: String(lane), value: text(id) }])
              acknowledged.push(id)
            } catch {
              return
            }
          }
        })
        await until('some settled', () => settled.length >= 20)
        const crashing = harness.crash(log)
        dead = true
        open = []
        log = await crashing
        await Promise.race([Promise.all(appending), sleep(timeoutMs)])
        const [known, done] = [[...acknowledged], [...settled]]
        const stored = (await readAll(topic)).map(textOf)
        expect(known.filter((id) => !stored.includes(id))).toEqual([])
        const outputs = (await readAll(out)).map(textOf)
        expect(done.filter((id) => !outputs.includes(id))).toEqual([])
        const rest = await consume(topic)
        await log.append([{ topic, key: '0', value: text('last') }])
        await until('the last', () => rest.values().includes('last'))
        const came = rest.values()
        const lost = stored.filter((id) => !outputs.includes(id) && !came.includes(id))
        expect(lost).toEqual([])
        if (capabilities.atomicSettle) {
          expect(came.filter((id) => outputs.includes(id))).toEqual([])
          expect(new Set(outputs).size).toBe(outputs.length)
        }
      })

      /** Appends from many callers while `fault` comes and goes; every acknowledged id must be there. */
      const underFault = async (
        topic: string,
        fault: () => Promise<{ heal(): Promise<void> }>,
      ): Promise<void> => {
        const acknowledged = new Set<string>()
        let stop = false
        const callers = Array.from({ length: 24 }, async (_, caller) => {
          for (let n = 0; !stop; n += 1) {
            const ids = [0, 1, 2].map((part) => `${caller}-${n}-${part}`)
            try {
              // Keys of one call fall into different partitions, so that a batch spans leaders.
              await log.append(ids.map((id) => ({ topic, key: id, value: text(id) })))
              for (const id of ids) acknowledged.add(id)
            } catch (error) {
              expect(isZenhookError(error) ? error.code : String(error)).toBe(
                'ZENHOOK_LOG_UNAVAILABLE',
              )
              await sleep(20)
            }
          }
        })
        await until('appends run', () => acknowledged.size > 300)
        for (let round = 0; round < 2; round += 1) {
          const { heal } = await fault()
          await heal()
          const before = acknowledged.size
          await until('appends go on', () => acknowledged.size > before + 300, timeoutMs * 2)
        }
        stop = true
        await Promise.all(callers)
        const stored = new Set((await readAll(topic)).map(textOf))
        expect([...acknowledged].filter((id) => !stored.has(id))).toEqual([])
      }

      test('no acknowledged record is missing after a stall', async (context) => {
        const { stallBroker } = harness
        if (stallBroker === undefined) return skip(context, 'no server that could stall')
        const topic = await topicOf('stall', { partitions: 6 })
        await underFault(topic, () => stallBroker(topic))
      })

      test('no acknowledged record is missing after its leader is killed', async (context) => {
        const { killLeader } = harness
        if (killLeader === undefined) return skip(context, 'no leader that could be killed')
        const topic = await topicOf('leader', { partitions: 6 })
        let partition = 0
        await underFault(topic, () => killLeader(topic, partition++))
      })

      test('close lets appends finish, stops consumers, and refuses what comes after', async () => {
        const topic = await topicOf('log-close')
        const consumer = await consume(topic)
        const appending = log.append(numbered(topic, 50))
        const closing = log.close()
        expect(await appending).toHaveLength(50)
        await closing
        await log.close()
        const seen = consumer.batches.length
        expect(await codeOf(log.append(numbered(topic, 1)))).toBe('ZENHOOK_LOG_CLOSED')
        expect(await codeOf(log.ping())).toMatch(/^ZENHOOK_LOG_(CLOSED|UNAVAILABLE)$/)
        open = []
        log = await harness.open()
        expect(consumer.batches.length).toBe(seen)
        if (capabilities.survivesRestart) expect(await readAll(topic)).toHaveLength(50)
      })
    })
  })
}
