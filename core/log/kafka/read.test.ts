import { expect, it } from 'vitest'
import type { Fetcher } from './raw.ts'
import { createReader } from './read.ts'

it('a range that gives no more before its end is no whole one', async () => {
  const message = (offset: number) => ({
    ...{ offset: String(offset), key: null, value: Buffer.from('v'), headers: {} },
    ...{ timestamp: '1', magicByte: 2, attributes: 0, size: 1 },
  })
  const fetcher = {
    // As from a leader that has just begun, and does not know yet what is committed.
    fetch: async (_topic: string, _partition: number, offset: number) => ({
      messages: offset === 0 ? [message(0), message(1)] : [],
      next: Math.max(offset, 2),
    }),
  } as unknown as Fetcher
  const read = createReader({
    fetcher,
    fullName: (topic) => topic,
    ends: async (topic) => [{ topic, partition: 0, first: 0, next: 5 }],
  })
  const seen: number[] = []
  const all = async (): Promise<void> => {
    for await (const { offset } of read({ topic: 't', partition: 0, offset: 0 })) seen.push(offset)
  }
  await expect(all()).rejects.toMatchObject({ code: 'ZENHOOK_LOG_UNAVAILABLE', retriable: true })
  expect(seen).toEqual([0, 1])
})
