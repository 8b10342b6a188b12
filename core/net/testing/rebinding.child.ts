/** In a namespace of its own, where the system's name server is the fake one on port 53. */
import { startFakeDns } from './dns.ts'
import { hostileZone, tryHostileNames } from './rebinding.ts'

const dns = await startFakeDns(hostileZone, 53)
const outcomes = await tryHostileNames({})
process.stdout.write(JSON.stringify({ outcomes, asked: dns.asked }))
await dns.close()
// The question that is never answered still holds a thread.
process.exit(0)
