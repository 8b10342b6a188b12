import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { collectGarbage } from '../test/garbage.ts'
import { bodyDefaults, createBudget, readBody } from './body.ts'

const limits = { ...bodyDefaults, maxBytes: 4_000_000 }
const budgetBytes = 64 * 1024 * 1024

/** A request whose pieces are written one by one, each a buffer of its own. */
const reading = (pieces: Iterable<Buffer>) => {
  const incoming = new PassThrough()
  const read = readBody(incoming, limits, createBudget(budgetBytes), 'client')
  for (const piece of pieces) incoming.emit('data', piece)
  return { incoming, read }
}

describe('a body', () => {
  it.each([[[5]], [[0, 5]], [[1, 1, 1]], [Array(100).fill(1)], [Array(40).fill(20_000)]])(
    'comes as it was sent in pieces of %j bytes',
    async (sizes: number[]) => {
      let at = 0
      const pieces = sizes.map((size) =>
        Buffer.from(Array.from({ length: size }, () => at++ % 251)),
      )
      const { incoming, read } = reading(pieces)
      incoming.emit('end')
      expect(Buffer.concat(pieces).equals(Buffer.from((await read) as Buffer))).toBe(true)
    },
  )

  it('F70: of a million pieces holds about its bytes, not an object for each', async () => {
    const count = 1_000_000
    const of = function* () {
      for (let n = 0; n < count; n += 1) yield Buffer.allocUnsafeSlow(1).fill(n % 251)
    }
    collectGarbage()
    const before = process.memoryUsage()
    const { incoming, read } = reading(of())
    collectGarbage()
    const after = process.memoryUsage()
    const grown = after.heapUsed + after.external - before.heapUsed - before.external
    expect(grown).toBeLessThan(8 * count)
    incoming.emit('end')
    expect(((await read) as Buffer).length).toBe(count)
  }, 60_000)
})
