/**
 * Appends, consumes and settles in the folder it is given until it is killed. One line on standard
 * output for each thing it was promised: `appended <id>`, `settled <id>`.
 */
import { openStorage } from '../../storage/index.ts'
import { createEmbeddedLog } from './index.ts'

const [, , dir = '', run = ''] = process.argv
const storage = openStorage(dir)
const log = createEmbeddedLog({ storage })
const encoder = new TextEncoder()
const decoder = new TextDecoder()
const spec = { partitions: 3, retentionMs: -1, maxMessageBytes: 2 ** 20 }
await log.ensureTopics([
  { name: 'in', ...spec },
  { name: 'out', ...spec },
])

await log.subscribe({ group: 'crash', topics: ['in'], maxRecords: 20 }, async (batch) => {
  const last = batch.records.at(-1)
  if (last === undefined) return undefined
  const outputs = batch.records.map(({ key, value }) => ({ topic: 'out', key, value }))
  await batch.settle(last, outputs)
  for (const { value } of batch.records)
    console.log(`settled ${decoder.decode(value ?? undefined)}`)
  return undefined
})

const lane = async (name: number): Promise<void> => {
  for (let n = 0; ; n += 1) {
    const id = `${run}-${name}-${n}`
    const record = { topic: 'in', key: `lane ${name}`, value: encoder.encode(id) }
    // Every fifth waits a little, so that delayed records are under way as well.
    await log.append([n % 5 === 4 ? { ...record, notBefore: Date.now() + 20 } : record])
    console.log(`appended ${id}`)
  }
}
await Promise.all(Array.from({ length: 16 }, (_, name) => lane(name)))
