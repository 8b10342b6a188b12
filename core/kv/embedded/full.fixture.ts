/**
 * Sets values of 10 kB in the folder it is given, where files may not grow beyond a limit, until one
 * is refused; says what was promised and what was not, and dies as `kill -9` would.
 */
import { writeSync } from 'node:fs'
import { isZenhookError } from '../../errors/index.ts'
import { openStorage } from '../../storage/index.ts'
import { createEmbeddedKv } from './index.ts'

const [, , dir = '', flushEveryMs = ''] = process.argv
const kv = createEmbeddedKv({
  storage: openStorage(dir),
  flushEveryMs: Number(flushEveryMs),
  flushBytes: 2 ** 30,
})
let refused: unknown
let promised = 0
for (; refused === undefined && promised < 5_000; promised += 1) {
  const entry = { key: `key ${promised}`, value: String(promised).repeat(2_000), ttlMs: 3_600_000 }
  await kv.set([entry]).catch((error: unknown) => {
    refused = error
  })
  if (refused !== undefined) break
}
const seen = (await kv.get([`key ${promised}`]))[0]
const { code, retriable } = isZenhookError(refused) ? refused : { code: '', retriable: false }
// Small ones may still fit: whatever is promised now must be there later, too.
let small = 0
for (; small < 20; small += 1)
  if (
    !(await kv.set([{ key: `s${small}`, value: 's', ttlMs: 3_600_000 }]).then(
      () => true,
      () => false,
    ))
  )
    break
writeSync(1, JSON.stringify({ promised, small, code, retriable, seen: seen !== undefined }))
process.kill(process.pid, 'SIGKILL')
