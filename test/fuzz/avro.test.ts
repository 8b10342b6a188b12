import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { isZenhookError } from '../../core/errors/index.ts'
import { createCodec } from '../../core/event/codec/codec.ts'
import { createFileSchemas } from '../../core/event/codec/files/index.ts'
import type { Codec } from '../../core/event/codec/index.ts'
import { eventOf } from '../../core/stage/testing.ts'
import { runs, timeout } from './settings.ts'

let codec: Codec
let valid: Uint8Array
beforeAll(async () => {
  codec = await createCodec({ schemas: await createFileSchemas() })
  valid = codec.encode('event', eventOf('e', 200))
})

const any = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  // Behind a frame that is right, and damaged copies of a record that is.
  fc.uint8Array({ maxLength: 400 }).map((bytes) => ({ framed: bytes })),
  fc
    .array(fc.tuple(fc.nat(2_000), fc.nat(255)), { minLength: 1, maxLength: 6 })
    .map((marks) => ({ marks })),
  fc.nat(2_000).map((cut) => ({ cut })),
)

const bytesOf = (from: typeof any extends fc.Arbitrary<infer T> ? T : never): Uint8Array => {
  if (from instanceof Uint8Array) return from
  if ('framed' in from) return Buffer.concat([valid.subarray(0, 5), from.framed])
  if ('cut' in from) return valid.subarray(0, from.cut % valid.length)
  const copy = Uint8Array.from(valid)
  for (const [at, byte] of from.marks) copy[at % copy.length] = byte
  return copy
}

it.each(['event', 'dispatch', 'decisions', 'dead'] as const)(
  'any bytes are a record of %s, or a ZenhookError, in bounded time',
  { timeout },
  async (kind) => {
    let slowest = 0
    await fc.assert(
      fc.asyncProperty(any, async (from) => {
        const startedAt = performance.now()
        try {
          expect(await codec.decode(kind, bytesOf(from))).toBeTypeOf('object')
        } catch (error) {
          if (!isZenhookError(error)) throw error
          expect(error.code).toMatch(/^ZENHOOK_(SCHEMAS|REGISTRY|LOG|STAGE)_/)
        }
        slowest = Math.max(slowest, performance.now() - startedAt)
      }),
      runs(`records of ${kind}`, 400),
    )
    console.info(`fuzz: ${kind}: slowest ${slowest.toFixed(1)} ms`)
    expect(slowest).toBeLessThan(2_000)
  },
)
