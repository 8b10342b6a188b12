import { lookup } from 'node:dns/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGuard } from '../../core/net/guard.ts'
import { silentLogger } from '../../core/telemetry/index.ts'
import { loadSettings } from '../load-settings.ts'
import type { Settings } from '../settings.ts'
import { type Runtime, startRuntime } from './index.ts'
import { openLobby, ownListenersOf, serveAdmin } from './listeners.ts'

let folder: string
let runtime: Runtime | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zenhook-listeners-'))
})
afterEach(async () => {
  await runtime?.close()
  await rm(folder, { recursive: true, force: true })
})

const freePort = async (): Promise<number> => {
  const server = await serveAdmin(() => new Response(), '127.0.0.1', 0)
  await server.close()
  return server.port
}

const open = async (
  over: Partial<Settings>,
  env: Record<string, string> = {},
): Promise<Runtime> => {
  const flags = { dataDir: folder, port: '0', adminPort: '0', roles: 'ingress', demo: false }
  const settings = { ...loadSettings(flags, env).settings, ...over }
  runtime = await startRuntime({ settings, logger: silentLogger })
  return runtime
}

describe('the listeners', () => {
  it('leave the public one the port that was asked for, where the admin one only has a default', async () => {
    const port = await freePort()
    const opened = await open({ port, adminPort: port, adminPortAsked: false })
    expect(opened.publicPort).toBe(port)
    expect(opened.adminPort).toBeGreaterThan(port)
  })

  it('take one connection from 503 while starting to answers of the ingress', async () => {
    const port = await freePort()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const connections = new Set<number | undefined>()
    const ask = (): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const request = get({ port, path: '/in/demo/github', agent }, (response) => {
          connections.add(response.socket.localPort)
          response.resume().once('end', () => resolve(response.statusCode))
        })
        request.once('error', reject)
      })
    const opening = open({ port, portAsked: true })
    try {
      const seen = new Set<number | undefined>()
      await expect.poll(ask, { interval: 5 }).toBe(503)
      while (!seen.has(404)) seen.add(await ask())
      expect([...seen]).toEqual([503, 404])
      expect(connections.size).toBe(1)
    } finally {
      agent.destroy()
      await opening
    }
  })

  it('F83: are never dialled from inside, by whatever name they were told to listen', async () => {
    // Not the spelling that the guard knows as a name of this machine.
    const host = 'LOCALHOST'
    const admin = await serveAdmin(() => new Response(), host, 0)
    const lobby = await openLobby({ host, port: 0, trustedProxies: [] }, {}, silentLogger)
    try {
      const guard = createGuard({
        grants: ['127.0.0.0/8', '::1'],
        ownListeners: () => ownListenersOf(admin, lobby),
      })
      for (const { port } of [admin, lobby]) {
        const { address } = await lookup(host)
        expect(() => guard.admit([address], port, { allowPrivate: true })).toThrow(
          expect.objectContaining({ details: { reason: 'own_listener' } }),
        )
      }
    } finally {
      await Promise.all([admin.close(), lobby.close()])
    }
  })

  it('say at /v1 that the role api is missing, where it is', async () => {
    const { url } = await open({})
    const answer = await fetch(`${url}/v1/events`)
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({
      code: 'ZENHOOK_API_NO_ROLE',
      detail: 'This process does not have the role api',
    })
  })
})
