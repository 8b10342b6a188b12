import { createRequire } from 'node:module'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Produce, type ProduceProtocol, quickenKafkajs, writeInOnePiece } from './produce.ts'

const load = createRequire(import.meta.url)
const folder = 'kafkajs/src/protocol'
const checksum = load(`${folder}/recordBatch/crc32C`) as (bytes: Buffer) => number

type Request = ReturnType<ReturnType<ProduceProtocol['protocol']>>['request']

/** kafkajs's own requests, whatever stands before them. */
const versions = [3, 4, 5, 6, 7]
const own = (version: number) =>
  load(`${folder}/requests/produce/v${version}/request.js`) as (asked: Produce) => Request
const ownProtocol = (): ProduceProtocol => ({
  versions: versions.map(String),
  protocol:
    ({ version }) =>
    (asked) => ({ request: own(version)(asked), response: { of: version } }),
})

const quick = (version: number): ((asked: Produce) => Request) => {
  const protocol = ownProtocol()
  writeInOnePiece(protocol, checksum)
  return (asked) => protocol.protocol({ version })(asked).request
}

const now = Date.now()
const bytes = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
)
const message = fc.record(
  {
    key: fc.option(bytes),
    value: fc.option(bytes),
    headers: fc.dictionary(fc.string({ maxLength: 80 }), fc.string({ unit: 'binary' }), {
      maxKeys: 6,
    }),
    timestamp: fc.integer({ min: now - 1e9, max: now + 1e9 }).map(String),
  },
  { requiredKeys: ['key', 'value', 'timestamp'] },
)
const produce = fc.record({
  acks: fc.constantFrom(-1, 0, 1),
  timeout: fc.integer({ min: 0, max: 60_000 }),
  compression: fc.constant(0),
  producerId: fc.oneof(fc.constant(-1), fc.bigInt({ min: 0n, max: 2n ** 62n }).map(String)),
  producerEpoch: fc.integer({ min: 0, max: 32_767 }),
  topicData: fc.array(
    fc.record({
      topic: fc.string({ minLength: 1, maxLength: 40 }),
      partitions: fc.array(
        fc.record({
          partition: fc.nat(1_000),
          firstSequence: fc.nat(),
          messages: fc.array(message, { minLength: 1, maxLength: 5 }),
        }),
        { maxLength: 3 },
      ),
    }),
    { maxLength: 3 },
  ),
})

describe('produce requests in one piece', () => {
  it('are byte for byte those of kafkajs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...versions), produce, async (version, asked) => {
        const expected = await own(version)(asked).encode()
        const { buffer } = await quick(version)(asked).encode()
        expect(buffer.equals(expected.buffer)).toBe(true)
      }),
      { numRuns: 400 },
    )
  })

  it('have lengths of one to four bytes', async () => {
    for (const size of [0, 1, 63, 64, 8_191, 8_192, 1_048_575, 1_048_576]) {
      const messages = [{ key: 'k', value: Buffer.alloc(size, 7), timestamp: String(now) }]
      const asked: Produce = {
        acks: -1,
        timeout: 1_000,
        topicData: [{ topic: 't', partitions: [{ partition: 0, firstSequence: 1, messages }] }],
      }
      const expected = await own(7)(asked).encode()
      expect((await quick(7)(asked).encode()).buffer.equals(expected.buffer)).toBe(true)
    }
  })

  const plain = { key: null, value: Buffer.from('v'), timestamp: String(now) }
  it.each([
    ['a transaction', { transactionalId: 'one' }, plain],
    ['compression', { compression: 1 }, plain],
    ['a header with several values', {}, { ...plain, headers: { a: ['a', 'b'] } }],
    ['a header of bytes', {}, { ...plain, headers: { a: Buffer.from('a') } }],
    ['a time far from ours', {}, { ...plain, timestamp: '0' }],
  ])('leave %s to kafkajs', async (_, options, message) => {
    const partitions = [{ partition: 0, firstSequence: 0, messages: [message] }]
    const asked: Produce = {
      ...{ acks: -1, timeout: 1, producerId: 5, producerEpoch: 1, ...options },
      topicData: [{ topic: 't', partitions }],
    }
    const protocol = ownProtocol()
    const before = protocol.protocol({ version: 7 })(asked).request.encode
    writeInOnePiece(protocol, checksum)
    const { encode } = protocol.protocol({ version: 7 })(asked).request
    expect(String(encode)).toBe(String(before))
    expect((await encode()).buffer.equals((await own(7)(asked).encode()).buffer)).toBe(true)
  })

  it('leave other versions, and the answers, as they are', () => {
    const protocol = ownProtocol()
    const { protocol: before } = protocol
    writeInOnePiece(protocol, checksum)
    const asked: Produce = { acks: -1, timeout: 1, topicData: [] }
    expect(protocol.protocol({ version: 7 })(asked).response).toEqual({ of: 7 })
    expect(String(protocol.protocol({ version: 8 }))).toBe(String(before({ version: 8 })))
  })

  it('are what kafkajs sends once it is told, and it is told once', async () => {
    const inUse = load(`${folder}/requests/index.js`) as { requests: { Produce: ProduceProtocol } }
    quickenKafkajs()
    const { protocol } = inUse.requests.Produce
    quickenKafkajs()
    expect(inUse.requests.Produce.protocol).toBe(protocol)
    const messages = [{ key: null, value: Buffer.from('v'), timestamp: String(now) }]
    const asked: Produce = {
      acks: -1,
      timeout: 1,
      topicData: [{ topic: 't', partitions: [{ partition: 0, messages }] }],
    }
    const { encode } = protocol({ version: 7 })(asked).request
    expect(String(encode)).toContain('encodeProduce')
    expect((await encode()).buffer.equals((await own(7)(asked).encode()).buffer)).toBe(true)
  })
})
