/** Opens the folder it is given, says so, and holds it until it is killed. */
import { openStorage } from './index.ts'

const [, , dir = ''] = process.argv
const storage = openStorage(dir)
const table = storage.table('held')
await storage.write([{ table, key: Uint8Array.of(1), value: Uint8Array.of(42) }]).synced
console.log('held')
setInterval(() => undefined, 60_000)
