/**
 * Writes state in the folder it is given until it is killed. One line on standard output for each
 * thing it was promised: `set <n>`, `claimed <n>`, `counted <n>`.
 */
import { openStorage } from '../../storage/index.ts'
import { createEmbeddedKv } from './index.ts'

const [, , dir = ''] = process.argv
const kv = createEmbeddedKv({ storage: openStorage(dir) })
const life = 3_600_000

const lane = async (first: number): Promise<void> => {
  for (let n = first; ; n += 8) {
    await kv.set([{ key: `key ${n}`, value: String(n), ttlMs: life }])
    console.log(`set ${n}`)
    await kv.claim([{ key: `key ${n}`, owner: `owner ${n}`, at: n, windowMs: life }])
    console.log(`claimed ${n}`)
    console.log(`counted ${await kv.add('counter', 1, life)}`)
  }
}
await Promise.all(Array.from({ length: 8 }, (_, first) => lane(first)))
