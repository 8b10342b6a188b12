import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { endProcess, freePorts, isAlive, signal, startProcess, waitUntil } from './process.ts'
import { readState, stateFile, writeState } from './state.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'zenhook-servers-test-'))
  vi.stubEnv('ZENHOOK_SERVERS_DIR', join(dir, 'servers'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.resetModules()
  await rm(dir, { recursive: true, force: true })
})

const sleeper = () =>
  startProcess(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log("hello")'], {
    cwd: dir,
    log: join(dir, 'log'),
  })

describe('processes', () => {
  it('are ended, also when they are stopped', async () => {
    const one = await sleeper()
    expect(isAlive(one)).toBe(true)
    expect(signal(one, 'SIGSTOP')).toBe(true)
    await endProcess(one)
    expect(isAlive(one)).toBe(false)
    await endProcess(one)
  })

  it('of somebody else that got the pid are left alone', async () => {
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    const { pid } = bystander
    if (pid === undefined) throw new Error('no pid')
    const stale = { pid, born: 'long ago', log: '' }
    expect(isAlive(stale)).toBe(false)
    expect(signal(stale, 'SIGKILL')).toBe(false)
    await endProcess(stale)
    expect(bystander.exitCode).toBeNull()
    expect(bystander.signalCode).toBeNull()
    const gone = new Promise((resolve) => bystander.once('exit', resolve))
    bystander.kill('SIGKILL')
    await gone
  })

  it('that die while they are awaited say what they printed', async () => {
    const server = await startProcess('sh', ['-c', 'echo no room; sleep 0.2; exit 3'], {
      cwd: dir,
      log: join(dir, 'log'),
    })
    const waiting = waitUntil('The server', async () => false, {
      timeoutMs: 10_000,
      servers: [server],
    })
    await expect(waiting).rejects.toThrow(/ended\nno room/)
  })

  it('that do not exist are told by name', async () => {
    await expect(
      startProcess('no-such-server', [], { cwd: dir, log: join(dir, 'log') }),
    ).rejects.toThrow(/no-such-server/)
  })
})

it('ports are free, distinct, and below those of outgoing connections', async () => {
  const ports = await freePorts(6)
  expect(new Set(ports).size).toBe(6)
  for (const port of ports) {
    expect(port).toBeLessThan(32_768)
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    await new Promise((resolve) => server.close(resolve))
  }
})

describe('state', () => {
  it('is empty before the first up, and comes back as written', () => {
    expect(readState()).toEqual({ version: 1 })
    const redis = { url: 'redis://127.0.0.1:1', process: { pid: 1, born: '2', log: 'x' } }
    writeState({ version: 1, redis })
    expect(stateFile().startsWith(dir)).toBe(true)
    expect(readState()).toEqual({ version: 1, redis })
  })
})

describe('testServers', () => {
  beforeEach(() => {
    for (const name of ['KAFKA_BROKERS', 'REDIS_URL', 'SCHEMA_REGISTRY_URL']) vi.stubEnv(name, '')
    vi.stubEnv('ZENHOOK_TEST_SERVERS', '')
  })

  it('says why servers are missing', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const { testServers } = await import('../../test/servers.ts')
    const servers = await testServers()
    expect(await testServers()).toBe(servers)
    expect(servers).toEqual({ reason: expect.stringMatching(/no kafka, no redis, no registry/) })
    expect(said).toHaveBeenCalledTimes(1)
    said.mockRestore()
  })

  it('does not take a dead address for a server, and throws where servers are required', async () => {
    const [port] = await freePorts(1)
    vi.stubEnv('REDIS_URL', `redis://127.0.0.1:${port}`)
    vi.stubEnv('ZENHOOK_TEST_SERVERS', 'required')
    const { testServers } = await import('../../test/servers.ts')
    await expect(testServers()).rejects.toThrow(/required.*no redis/)
  })
})
