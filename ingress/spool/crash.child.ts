import { openSpool } from './spool.ts'

// Writes records of a few keys until it is killed, and says which of them are kept.
const [dir = '', from = '0'] = process.argv.slice(2)
const spool = await openSpool({ dir, segmentBytes: 20_000 })
let next = Number(from)
const lane = async (): Promise<void> => {
  for (;;) {
    const n = next
    next += 1
    await spool.write({
      topic: 'received',
      key: `k${n % 5}`,
      value: Buffer.alloc(300 + (n % 400), n % 251),
      headers: { n: String(n) },
    })
    process.stdout.write(`${n}\n`)
  }
}
await Promise.all(Array.from({ length: 8 }, lane))
