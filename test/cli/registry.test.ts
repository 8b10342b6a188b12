import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, problemOf, type Running, requests, start, workspace } from './harness.ts'

let space: Awaited<ReturnType<typeof workspace>>
let running: Running
beforeAll(async () => {
  space = await workspace()
  running = await start({ dataDir: space.path('data') })
})
afterAll(() => space.remove())

const { read, send } = requests(() => running)

const bin = { connector: 'bin', config: {}, secrets: {} }

describe('/v1/registry', () => {
  it('puts, gets and deletes objects; ETag and If-Match guard them', async () => {
    const path = '/v1/registry/destination/demo/extra'
    expect((await running.api(path)).status).toBe(404)
    const made = await send('PUT', path, bin)
    expect(made.status).toBe(200)
    expect(await made.json()).toMatchObject({
      changed: [{ kind: 'destination', tenant: 'demo', name: 'extra', action: 'create' }],
    })
    const tag = await eventually(
      async () => (await running.api(path)).headers.get('etag') ?? undefined,
      'the object',
    )
    // What GET gives can be put again as it is; a route finds its place behind the others.
    const whole = (await (await running.api(path)).json()) as { retry: unknown }
    expect(whole.retry).toMatchObject({ attempts: 10 })
    expect(await (await send('PUT', path, whole)).json()).toMatchObject({ changed: [] })
    const route = await send('PUT', '/v1/registry/route/demo/extra', {
      when: 'true',
      to: ['extra'],
    })
    expect(route.status).toBe(200)
    await eventually(
      async () => (await running.api('/v1/registry/route/demo/extra')).ok || undefined,
      'the route',
    )
    expect(await read('/v1/registry/route/demo/extra')).toMatchObject({ index: 1, when: 'true' })
    expect((await send('DELETE', '/v1/registry/route/demo/extra')).status).toBe(200)
    const stale = await send('PUT', path, bin, { 'if-match': '"other"' })
    expect(stale.status).toBe(412)
    expect((await problemOf(stale)).code).toBe('ZENHOOK_API_CONFLICT')
    expect((await send('PUT', path, bin, { 'if-match': tag })).status).toBe(200)
    expect((await send('DELETE', path, undefined, { 'if-match': '"other"' })).status).toBe(412)
    const removed = await send('DELETE', path, undefined, { 'if-match': tag })
    expect(await removed.json()).toMatchObject({ changed: [{ action: 'delete' }] })
    await eventually(
      async () => (await running.api(path)).status === 404 || undefined,
      'the end of the object',
    )
    expect((await send('DELETE', path)).status).toBe(404)
  })

  it('refuses objects that cannot work, with the place', async () => {
    const slack = { connector: 'slack', config: { channel: '#oncall' } }
    const whole = {
      ...{ retry: { attempts: 1, delaysMs: [] }, ordered: false, allowPrivate: false },
      disabled: false,
    }
    const stripe = { provider: 'stripe', secrets: ['env:A'], verify: { tolerence: '5m' } }
    const published = { dedupe: {}, maxBody: 1_024, replay: 'accept' }
    const github = { provider: 'github', secrets: ['env:A'], ...published }
    const cases: [string, unknown, string, RegExp][] = [
      ['destination/demo/x', { connector: 'slak' }, '#/connector', /did you mean 'slack'/],
      ['destination/demo/x', { connector: 'webhook', config: { url: 5 } }, '#/config/url', /./],
      ['destination/demo/x', { ...bin, retry: { attempts: 0 } }, '#/retry/attempts', /./],
      ['destination/demo/x', { ...slack, secrets: {} }, '#/secrets', /'token', or 'url'/],
      ['destination/demo/x', { ...slack, ...whole, secrets: {} }, '#/secrets', /'token', or 'url'/],
      ['source/demo/x', stripe, '#/verify/tolerence', /tolerence/],
      ['source/demo/x', { ...stripe, ...published }, '#/verify/tolerence', /tolerence/],
      ['source/demo/x', { ...github, secrets: [] }, '#/', /needs a secret/],
      ['source/demo/x', { ...github, ordering: 'a..b' }, '#/ordering', /./],
      ['source/demo/x', { ...github, dedupe: { key: 'a..b' } }, '#/dedupe/key', /./],
      ['source/demo/x', { ...github, maxBody: 1e12 }, '#/maxBody', /has to fit/],
      ['route/demo/x', { when: 'event.', to: ['bin'] }, '#/when', /./],
      ['route/demo/x', { when: 'true', to: ['nobody'] }, '#/to', /nobody/],
      ['source/demo/x', { provider: 'githb', secrets: [] }, '#/provider', /did you mean 'github'/],
      ['source/demo/UPPER', { provider: 'github', secrets: [] }, '#/name', /DNS label/],
      ['thing/demo/x', {}, '#/kind', /source/],
    ]
    for (const [path, body, pointer, said] of cases) {
      const response = await send('PUT', `/v1/registry/${path}`, body)
      expect({ path, status: response.status }).toEqual({ path, status: 400 })
      const { code, errors = [] } = await problemOf(response)
      expect(code).toBe('ZENHOOK_API_INVALID')
      expect(errors.find((each) => each.pointer === pointer)?.detail).toMatch(said)
    }
    const broken = await running.api('/v1/registry/route/demo/x', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"when":',
    })
    expect(broken.status).toBe(400)
    expect((await problemOf(broken)).code).toBe('ZENHOOK_API_INVALID')
    const plain = await running.api('/v1/registry/apply', { method: 'POST', body: 'text' })
    expect(plain.status).toBe(400)
    const large = await send('POST', '/v1/registry/apply', { file: 'f', text: 'x'.repeat(5e6) })
    expect(large.status).toBe(413)
    const { code, fix } = await problemOf(large)
    expect(code).toBe('ZENHOOK_API_TOO_LARGE')
    // Half a file would delete what the other half holds.
    expect(fix).toContain('PUT /v1/registry/{kind}/{tenant}/{name}')
    expect(fix).toContain('apply replaces the whole configuration')
  })

  it('applies files, dry or not, and names every fault', async () => {
    const text = 'tenants: { acme: { sources: { g: { provider: githb, secret: [] } } } }'
    const bad = await send('POST', '/v1/registry/apply', { file: 'z.yaml', text })
    expect(bad.status).toBe(400)
    const { code, errors = [] } = await problemOf(bad)
    expect(code).toBe('ZENHOOK_CONFIG_INVALID')
    expect(errors.length).toBeGreaterThan(1)
    for (const { pointer, detail } of errors) {
      expect(pointer).toMatch(/^z\.yaml:1:\d+$/)
      expect(detail).toMatch(/^ZENHOOK_CONFIG_[A-Z_]+ ./)
    }
    const good = {
      file: 'z.yaml',
      text: 'tenants: { acme: { destinations: { b: { connector: bin } }, routes: [{ name: r, when: "true", to: [b] }] } }',
    }
    const changes = async (path: string) => {
      const response = await send('POST', path, good)
      expect(response.status).toBe(200)
      return ((await response.json()) as { changed: { action: string; name: string }[] }).changed
    }
    const dry = await changes('/v1/registry/apply?dryRun=true')
    expect(dry.map(({ action, name }) => [action, name])).toEqual([
      ['create', 'b'],
      ['create', 'r'],
    ])
    expect(await changes('/v1/registry/apply')).toEqual(dry)
    expect(await changes('/v1/registry/apply')).toEqual([])
    // The demo stands beside every file.
    expect((await running.api('/v1/registry/source/demo/github')).status).toBe(200)
  })
})
