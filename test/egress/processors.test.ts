import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { type Running, startInstance } from '../e2e/instance.ts'
import { serverEngines } from '../e2e/rig.ts'
import { startWebhookReceiver } from '../fakes/index.ts'
import { testServers } from '../servers.ts'
import { foundInMemory, type Sockets, socketsOf } from './process.ts'

const servers = await testServers()
const enclosed = fileURLToPath(new URL('./enclosed.child.ts', import.meta.url))
const entry = fileURLToPath(new URL('../../bin/zenhook.mjs', import.meta.url))
const inNamespace = (command: readonly string[]): readonly string[] => [
  ...['unshare', '-n', 'sh', '-c'],
  `ip link set lo up && exec ${command.map((part) => `'${part.replaceAll("'", `'\\''`)}'`).join(' ')}`,
]
const tried = spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'up'], { encoding: 'utf8' })
const why = tried.status === 0 ? servers.reason : `no network namespace: ${tried.stderr}`
if (why !== undefined) console.warn(`F87 is skipped: ${why}`)

/** A socket file that leads to a port of this machine: files are seen from every network namespace. */
const wayTo = async (port: number, path: string): Promise<Server> => {
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    near.pipe(far).pipe(near)
    near.on('error', () => far.destroy()).on('close', () => far.destroy())
    far.on('error', () => near.destroy()).on('close', () => near.destroy())
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return server
}

const portOf = (address: string): number => Number(new URL(address).port)

it.skipIf(why !== undefined)(
  'F87: processors work where nothing is but log, state and schemas, connect to nothing else, and hold no secret',
  { timeout: 300_000 },
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'zenhook-f87-'))
    const engines = await serverEngines(servers)
    const receiver = await startWebhookReceiver()
    const inbound = `canary-${randomBytes(24).toString('hex')}`
    const signing = `whsec_${randomBytes(32).toString('base64')}`
    const config = join(dir, 'zenhook.yaml')
    await writeFile(
      config,
      `tenants:
  acme:
    sources:
      github: { provider: github, secrets: [env:INBOUND] }
    destinations:
      out:
        connector: webhook
        config: { url: "${receiver.url}/out" }
        secrets: { signing: env:SIGNING }
        allowPrivate: true
    routes:
      - { name: all, default: true, to: [out] }
`,
    )
    const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '', REDIS_URL = '' } = engines.env
    const ports = [
      ...KAFKA_BROKERS.split(',').map((address) => portOf(`tcp://${address}`)),
      portOf(SCHEMA_REGISTRY_URL),
      portOf(REDIS_URL),
    ]
    const ways = ports.map((port) => ({ port, path: join(dir, `${port}.sock`) }))
    const servings = await Promise.all(ways.map(({ port, path }) => wayTo(port, path)))
    let outside: Running | undefined
    let inside: ChildProcess | undefined
    let watching = true
    const seen: Sockets[] = []
    let watch: Promise<void> = Promise.resolve()
    try {
      outside = await startInstance({
        dataDir: join(dir, 'outside'),
        config,
        chain: 'fused',
        roles: 'ingress,connectors',
        env: { ...engines.env, INBOUND: inbound, SIGNING: signing },
      })
      const command = [
        ...[process.execPath, entry, 'start', '--no-demo', '--data-dir', join(dir, 'inside')],
        ...['--port', '0', '--admin-port', '0', '--roles', 'processors'],
      ]
      const walls = [
        { host: '127.0.0.1', port: portOf(receiver.url) },
        { host: '93.184.216.34', port: 443 },
      ]
      const [program = '', ...rest] = inNamespace([
        ...[process.execPath, '--import', 'tsx', enclosed],
        JSON.stringify({ ways, walls, command }),
      ])
      const { CLICKHOUSE_URL: _, ...own } = engines.env
      const child = spawn(program, rest, {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { PATH: process.env.PATH ?? '', HOME: dir, LOG_LEVEL: 'warn', ...own },
      })
      inside = child
      let said = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
      await expect.poll(() => said, { timeout: 30_000 }).toContain('\n')
      const { pid, reached } = JSON.parse(said.split('\n')[0] ?? '') as {
        pid: number
        reached: string[]
      }
      expect(reached).not.toContain('reached')
      expect(reached[0]).toBe('ECONNREFUSED')

      watch = (async () => {
        while (watching) {
          seen.push(await socketsOf(pid))
          await sleep(20)
        }
      })()
      watch.catch(() => undefined)
      const run = randomUUID()
      const marks = Array.from({ length: 40 }, (_, n) => `${run}-${n}`)
      for (const mark of marks) {
        const body = JSON.stringify({ action: 'opened', mark })
        const answer = await fetch(`${outside.publicUrl}/in/acme/github`, {
          method: 'POST',
          body,
          headers: {
            'content-type': 'application/json',
            'x-github-event': 'issues',
            'x-github-delivery': mark,
            'x-hub-signature-256': `sha256=${createHmac('sha256', inbound).update(body).digest('hex')}`,
          },
        })
        expect(answer.status).toBe(202)
      }
      await expect
        .poll(() => receiver.arrivals.length, { timeout: 90_000, interval: 200 })
        .toBeGreaterThanOrEqual(marks.length)
      // What went through its hands lies in its memory, so that the search is known to find things.
      const found = await foundInMemory(pid, [inbound, signing, signing.slice(6), run])
      expect(found).toEqual([run])
      const environ = await readFile(`/proc/${pid}/environ`, 'utf8')
      expect(environ).not.toMatch(/canary-|whsec_/)
      watching = false
      await watch

      const allowed = new Set(ports.map((port) => `127.0.0.1:${port}`))
      const connected = new Set(seen.flatMap((each) => [...each.connected]))
      expect([...connected].filter((address) => !allowed.has(address))).toEqual([])
      expect(connected.size).toBeGreaterThanOrEqual(3)
      expect(seen.every(({ udp }) => udp === 0)).toBe(true)
      // Its admin listener alone.
      expect(Math.max(...seen.map(({ listening }) => listening.size))).toBe(1)
    } finally {
      watching = false
      await watch.catch(() => undefined)
      if (inside !== undefined) {
        const gone = once(inside, 'exit')
        inside.stdin?.end()
        await gone
      }
      await outside?.kill()
      await receiver.close()
      for (const server of servings) server.close()
      await engines.clean()
      await rm(dir, { recursive: true, force: true })
    }
  },
)
