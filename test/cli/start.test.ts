import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readInstance } from '../../cli/client.ts'
import { startClickHouseFront } from '../clickhouse-front/index.ts'
import { collected, eventually, type Running, start, workspace, zenhook } from './harness.ts'

let space: Awaited<ReturnType<typeof workspace>>
beforeAll(async () => {
  space = await workspace()
})
afterAll(() => space.remove())

const occupied = (port: number): Promise<Server | undefined> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
const portOf = (server: Server | undefined): string => {
  const address = server?.address()
  return typeof address === 'object' && address !== null ? String(address.port) : ''
}
const closed = (server: Server | undefined): Promise<void> =>
  new Promise((resolve) => (server === undefined ? resolve() : server.close(() => resolve())))

/** How the commands that are printed end. */
const commandsOf = async (out: string): Promise<(number | null)[]> => {
  const commands = [...out.matchAll(/npx zenhook (.*)$/gm)].map(([, command = '']) => command)
  const outcomes = await Promise.all(commands.map((command) => zenhook(command.split(' '))))
  return outcomes.map(({ code }) => code)
}

const secretOf = (out: string): string | undefined => / secret {5}(\S+)/.exec(out)?.[1]
const idOf = (out: string): string => /^sample {5}(\S+)/m.exec(out)?.[1] ?? ''

describe('zenhook start', () => {
  it('says the main things in 12 lines, shows its sample delivered, and survives both ends', async () => {
    const dataDir = space.path('main')
    const first = await start({ dataDir })
    const [intro = '', story = ''] = first.texts.out.split(/^(?=sample)/m)
    expect(intro.trimEnd().split('\n').length).toBeLessThanOrEqual(12)
    for (const said of [`${first.instance.publicUrl}/in/demo/github`, dataDir, 'lmdb', 'chdb']) {
      expect(intro).toContain(said)
    }
    expect(await commandsOf(intro)).toEqual([0, 0])
    expect(await commandsOf(story)).toEqual([0])
    expect(story).toMatch(/verified → .* → delivered to bin/)
    const [requests = ''] = /http\S+\/play\/\S+\/requests$/m.exec(story) ?? []
    const [request] = (await (await fetch(requests)).json()) as { headers: object }[]
    expect(request?.headers).toMatchObject({ 'zenhook-event-id': idOf(first.texts.out) })
    expect(first.texts.err).toBe('')
    expect((await stat(space.path('main/admin-token'))).mode & 0o777).toBe(0o600)

    const second = await zenhook([
      'start',
      '--data-dir',
      dataDir,
      '--port',
      '0',
      '--admin-port',
      '0',
    ])
    expect(second.code).toBe(1)
    expect(second.out).toBe('')
    expect(second.err).toContain(`in use by process ${first.pid}`)
    expect(second.err).toContain('ZENHOOK_STORAGE_LOCKED')
    // The first one is still found by its folder.
    expect((await zenhook(['events', 'list', '--data-dir', dataDir])).code).toBe(0)

    const args = ['--port', new URL(first.instance.publicUrl).port, '--admin-port', '0']
    expect(await first.end('SIGKILL')).toBeNull()
    const again = await start({ dataDir, args })
    expect(secretOf(again.texts.out)).toBe(secretOf(first.texts.out))
    expect(again.instance.publicUrl).toBe(first.instance.publicUrl)
    const told = await zenhook(['explain', idOf(first.texts.out), '--data-dir', dataDir])
    expect(told.out).toContain('delivered')

    expect(await again.end('SIGINT')).toBe(0)
    const gone = await zenhook(['events', 'list', '--data-dir', dataDir])
    expect(gone.code).toBe(1)
    expect(gone.err).toContain('No instance runs')
  }, 90_000)

  it('hints at commands that work and leave the sources of its configuration alone', async () => {
    const config = space.path('acme.yaml')
    const source = { provider: 'github', secrets: ['plain:a secret of this test'] }
    const tenants = { acme: { sources: { web: source, app: source } } }
    await writeFile(config, JSON.stringify({ tenants }))
    const args = ['--port', '0', '--admin-port', '0', '--config', config]
    const running = await start({ dataDir: space.path('own'), args })
    const [intro = ''] = running.texts.out.split(/^sample/m)
    expect(await commandsOf(intro)).toEqual([0, 0])
    const eventsOf = async (tenant: string) => {
      const answer = await running.api(`/v1/events?tenant=${tenant}`)
      return ((await answer.json()) as { events: object[] }).events.length
    }
    // The sample of the start, and that of the hint.
    await eventually(async () => (await eventsOf('demo')) === 2 || undefined, 'both samples')
    expect(await eventsOf('acme')).toBe(0)
    expect(await running.end('SIGINT')).toBe(0)
  })

  it('sends its sample to itself under a public URL, and says both addresses', async () => {
    const dataDir = space.path('public')
    const PUBLIC_URL = 'https://hooks.example.invalid/zenhook'
    const running = await start({ dataDir, env: { PUBLIC_URL } })
    const { out } = running.texts
    expect(out).toMatch(/^ +listening +http:\/\/127\.0\.0\.1:\d+\/in/m)
    expect(out).toContain(`public     ${PUBLIC_URL}/in/{tenant}/{source}`)
    expect(
      out
        .split(/^(?=sample)/m)[0]
        ?.trimEnd()
        .split('\n').length,
    ).toBeLessThanOrEqual(12)
    expect(out).toMatch(/delivered to bin/)
    const sent = await zenhook(['trigger', 'github.push', '--data-dir', dataDir])
    expect(sent.out).toMatch(/^202 /)
    expect(await running.end('SIGINT')).toBe(0)
  })

  it('takes the demo away with --no-demo, but no source of its name that is somebody else’s', async () => {
    const dataDir = space.path('without')
    const statuses = (running: Running) =>
      Promise.all(
        ['source/demo/github', 'destination/demo/bin', 'route/demo/everything'].map(
          async (path) => (await running.api(`/v1/registry/${path}`)).status,
        ),
      )
    const demo = await start({ dataDir })
    expect(await statuses(demo)).toEqual([200, 200, 200])
    await demo.end('SIGTERM')
    const args = ['--port', '0', '--admin-port', '0', '--no-demo']
    const until = ({ out }: { out: string }) => out.includes(' try ')
    const without = await start({ dataDir, args, until })
    expect(await statuses(without)).toEqual([404, 404, 404])
    expect(await commandsOf(without.texts.out)).toEqual([0, 0])
    const { publicUrl } = without.instance
    const sent = await fetch(`${publicUrl}/in/demo/github`, { method: 'POST', body: '{}' })
    expect(sent.status).toBe(404)
    const own = await without.api('/v1/registry/source/demo/github', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ provider: 'github', secrets: ['env:OWN'] }),
    })
    expect(own.status).toBe(200)
    await without.end('SIGTERM')
    const again = await start({ dataDir, args, until })
    expect(await statuses(again)).toEqual([200, 404, 404])
    await again.end('SIGTERM')
  }, 60_000)

  it('publishes no demo as one of several processes: others could not read its secret', async () => {
    const dataDir = space.path('part')
    const part = await start({
      dataDir,
      args: ['--port', '0', '--admin-port', '0', '--roles', 'ingress,api'],
      until: ({ out }) => out.includes(' try '),
    })
    expect(part.texts.out).not.toContain('secret')
    expect((await part.api('/v1/registry/source/demo/github')).status).toBe(404)
    await expect(stat(space.path('part/demo-secret'))).rejects.toThrow('ENOENT')
    expect(await commandsOf(part.texts.out)).toEqual([0, 0])
    await part.end('SIGTERM')
  }, 40_000)

  it('takes the next port where a default one is busy, and says so', async () => {
    const busy = await occupied(8080)
    try {
      const running = await start({
        dataDir: space.path('next'),
        args: ['--admin-port', '0', '--no-demo'],
        until: ({ out }) => out.includes('events list'),
      })
      expect(running.texts.out).toContain('(port 8080 is in use)')
      expect(running.texts.out).not.toContain('secret')
      expect(Number(new URL(running.instance.publicUrl).port)).toBeGreaterThan(8080)
      expect(await running.end('SIGTERM')).toBe(0)
    } finally {
      await closed(busy)
    }
  }, 40_000)

  it('refuses a busy port that was asked for, by flag and by environment', async () => {
    const busy = await occupied(0)
    const port = portOf(busy)
    try {
      const common = ['start', '--data-dir', space.path('busy')]
      const [byFlag, byEnv, admin] = await Promise.all([
        zenhook([...common, '--port', port, '--admin-port', '0']),
        zenhook([...common, '--admin-port', '0'], { env: { PORT: port } }),
        zenhook([...common, '--port', '0', '--admin-port', port]),
      ])
      for (const { code, err } of [byFlag, byEnv, admin]) {
        expect(code).toBe(1)
        expect(err).toContain(`Port ${port} is in use by another process`)
        expect(err).toContain('ZENHOOK_CLI_PORT_BUSY')
      }
    } finally {
      await closed(busy)
    }
  })

  it('refuses folders that it cannot use', async () => {
    await mkdir(space.path('old/log'), { recursive: true })
    await writeFile(space.path('old/log/format'), 'zenhook 99\n')
    await writeFile(space.path('file'), '')
    const free = ['--port', '0', '--admin-port', '0']
    const [old, file, below] = await Promise.all([
      zenhook(['start', '--data-dir', space.path('old'), ...free]),
      zenhook(['start', '--data-dir', space.path('file'), ...free]),
      zenhook(['start', '--data-dir', space.path('file/below'), ...free]),
    ])
    expect(old.code).toBe(1)
    expect(old.err).toMatch(/zenhook 99.*ZENHOOK_STORAGE_VERSION/s)
    for (const { code, err } of [file, below]) {
      expect(code).toBe(1)
      expect(err).toContain('ZENHOOK_STORAGE_UNUSABLE')
    }
    expect(await readFile(space.path('old/log/format'), 'utf8')).toBe('zenhook 99\n')
  })

  it('knows what is wrong with the command line', async () => {
    const cases: [string[], number, RegExp][] = [
      [['start', '--prt', '1'], 2, /--port/],
      [['start', '--port', 'abc'], 2, /whole number/],
      [['start', '--roles', 'ingres'], 2, /did you mean ingress/],
      [['start', '--chain', 'splt'], 2, /did you mean split/],
      [['start', '--allow-private', '10.0.0.0/99'], 2, /10\.0\.0\.0\/99/],
      [['start', '--config', space.path('absent.yaml')], 1, /absent\.yaml.*ENOENT/s],
    ]
    await Promise.all(
      cases.map(async ([args, code, said]) => {
        const outcome = await zenhook(args)
        expect({ args, code: outcome.code }).toEqual({ args, code })
        expect(outcome.err).toMatch(said)
        expect(outcome.out).toBe('')
      }),
    )
    const bad = await zenhook(['start'], { env: { PORT: '99999', LOG_LEVEL: 'loud' } })
    expect(bad.code).toBe(1)
    expect(bad.err).toMatch(/PORT is '99999'.*LOG_LEVEL is 'loud'/)
  })

  it('waits for a server that is away, keeps what comes, and goes on without a restart', async () => {
    const front = await startClickHouseFront()
    try {
      await front.kill()
      const dataDir = space.path('waiting')
      const running = await start({
        dataDir,
        env: { CLICKHOUSE_URL: front.url, ZENHOOK_TOKNE: 'x' },
        until: ({ err }) => err.includes('waiting for'),
      })
      const { publicUrl, url } = running.instance
      expect(running.texts.err).toContain('did you mean ZENHOOK_TOKEN?')
      expect(running.texts.err).toMatch(/waiting for decisions .*ECONNREFUSED.*CLICKHOUSE_URL/)
      expect((await fetch(`${publicUrl}/healthz`)).status).toBe(200)
      expect((await fetch(`${url}/readyz`)).status).toBe(503)
      const verbose = await (await fetch(`${url}/readyz?verbose`)).text()
      expect(verbose).toMatch(/^\[-\] sink: /m)
      const doctor = await zenhook(['doctor', '--data-dir', dataDir], {
        env: { CLICKHOUSE_URL: front.url },
      })
      expect(doctor.code).toBe(1)
      expect(doctor.out).toMatch(/^NO\s+decisions .*Check CLICKHOUSE_URL/m)

      const accepted = await eventually(async () => {
        const sent = await zenhook(['trigger', 'github.push', '--data-dir', dataDir])
        if (sent.code !== 0) expect(sent.out + sent.err).toMatch(/NOT_READY|UNAVAILABLE|no source/)
        return sent.code === 0 ? sent.out : undefined
      }, 'an accepted event while ClickHouse is away')
      const { id } = JSON.parse(accepted.slice(accepted.indexOf('{'))) as { id: string }
      const asked = await running.api('/v1/events')
      expect(asked.status).toBe(503)
      expect(asked.headers.get('retry-after')).not.toBeNull()

      await front.start()
      await eventually(
        () => running.texts.out.includes('zenhook explain') || undefined,
        'the story of the sample',
      )
      expect(running.texts.err).toContain('decisions (ClickHouse server) answers')
      expect((await fetch(`${url}/readyz`)).status).toBe(200)
      const event = (await (await running.api(`/v1/events/${id}`)).json()) as { status: string }
      expect(event.status).toBe('delivered')
      expect(await running.end('SIGINT')).toBe(0)
    } finally {
      await front.close()
    }
  }, 60_000)

  it('ends at once when it is asked to while it waits, having answered 503 until then', async () => {
    const nobody = await occupied(0)
    const port = portOf(nobody)
    await closed(nobody)
    const running = await start({
      dataDir: space.path('called-off'),
      env: { SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}` },
      until: ({ err }) => err.includes('waiting for schemas'),
    })
    const { publicUrl } = running.instance
    const refused = await fetch(`${publicUrl}/in/demo/github`, { method: 'POST', body: '{}' })
    expect(refused.status).toBe(503)
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(refused.headers.get('retry-after')).toBe('5')
    expect(await refused.json()).toMatchObject({ code: 'ZENHOOK_INGRESS_NOT_READY', status: 503 })
    const later = await running.api('/v1/topology')
    expect(later.status).toBe(503)
    expect(await later.json()).toMatchObject({ code: 'ZENHOOK_API_UNAVAILABLE' })
    expect(await running.end('SIGINT')).toBe(0)
    expect(running.texts.out).toBe('')
  }, 40_000)

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'exits 0 after %s in the first moments of a start whose log is away',
    async (signal) => {
      const nobody = await occupied(0)
      const port = portOf(nobody)
      await closed(nobody)
      const running = await start({
        dataDir: space.path(`log-away-${signal}`),
        env: { KAFKA_BROKERS: `127.0.0.1:${port}` },
        until: ({ err }) => err.includes('waiting for log'),
      })
      expect(await running.end(signal)).toBe(0)
      expect(running.texts.out).toBe('')
      expect(running.texts.err).not.toMatch(/abort/i)
    },
    40_000,
  )

  it('drains and exits 0 after a Ctrl-C under npm, which passes on the signal that all got', async () => {
    const dataDir = space.path('npm')
    const args = ['--data-dir', dataDir, '--port', '0', '--admin-port', '0']
    const { PATH = '', HOME = '' } = process.env
    // A group of its own, as a terminal gives one to each command.
    const npm = spawn('npm', ['start', '--', ...args], {
      env: { PATH, HOME, npm_config_update_notifier: 'false' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const { pid = 0 } = npm
    const ended = once(npm, 'close')
    try {
      const texts = collected(npm)
      await eventually(
        () => texts.out.includes('zenhook explain') || undefined,
        'the story of the sample',
      )
      const { pid: own = 0 } = (await readInstance(dataDir)) ?? {}
      expect([0, pid]).not.toContain(own)
      process.kill(-pid, 'SIGINT')
      expect(await ended).toEqual([0, null])
      expect(await readInstance(dataDir)).toBeUndefined()
      expect(() => process.kill(own, 0)).toThrow('ESRCH')
    } finally {
      if (npm.exitCode === null && npm.signalCode === null) process.kill(-pid, 'SIGKILL')
    }
  }, 60_000)
})
