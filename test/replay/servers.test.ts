import { describe, it } from 'vitest'
import { serverEngines } from '../e2e/rig.ts'
import { testServers } from '../servers.ts'
import { replaySuite } from './suite.ts'

const servers = await testServers()

if (servers.reason === undefined) replaySuite('real servers', () => serverEngines(servers))
else {
  describe('replay over real servers', () => {
    it.skip(`skipped: ${servers.reason}`, () => undefined)
  })
}
