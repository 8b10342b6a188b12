/**
 * Writes state in the folder it is given until it is killed. One line on standard output for each
 * thing it was promised: `set <n>`, `claimed <n>`, `counted <n>`, `turned <n> <times>`.
 */
import { openStorage } from '../../storage/index.ts'
import { createEmbeddedKv } from './index.ts'

const [, , dir = '', flushEveryMs = '', first = ''] = process.argv
const kv = createEmbeddedKv({ storage: openStorage(dir), flushEveryMs: Number(flushEveryMs) })
const life = 3_600_000
const lanes = 8

const lane = async (own: number): Promise<void> => {
  for (let n = Number(first) + own; ; n += lanes) {
    await kv.set([{ key: `key ${n}`, value: String(n), ttlMs: life }])
    console.log(`set ${n}`)
    await kv.claim([{ key: `key ${n}`, owner: `owner ${n}`, at: n, windowMs: life }])
    console.log(`claimed ${n}`)
    console.log(`counted ${await kv.add('counter', 1, life)}`)
    // One key over and over: an older value of it must never come back.
    const turned = await kv.add(`turned ${own}`, 1, life)
    await kv.set([{ key: `turned ${own}`, value: String(turned), ttlMs: life }])
    console.log(`turned ${own} ${turned}`)
    // The loop turns, so that flushes come in between.
    await new Promise((resolve) => setImmediate(resolve))
  }
}
await Promise.all(Array.from({ length: lanes }, (_, own) => lane(own)))
