import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packageRoot, version } from '../../cli/version.ts'
import { eventually, problemOf, type Running, requests, start, workspace } from './harness.ts'

let space: Awaited<ReturnType<typeof workspace>>
let running: Running
beforeAll(async () => {
  space = await workspace()
  running = await start({ dataDir: space.path('data') })
})
afterAll(() => space.remove())

const { read, send } = requests(() => running)

interface Triggered {
  answers: { status: number; body: { id: string } }[]
}

/** Sends a signed sample, and gives its id once it is delivered. */
const trigger = async (event: string): Promise<string> => {
  const asked = { provider: 'github', event, tenant: 'demo', source: 'github' }
  const told = (await (await send('POST', '/v1/trigger', asked)).json()) as Triggered
  const [answer] = told.answers
  expect(answer?.status).toBe(202)
  const id = answer?.body.id ?? ''
  await eventually(async () => {
    const found = await running.api(`/v1/events/${id}`)
    const { status } = (await found.json()) as { status: string }
    return status === 'delivered' || undefined
  }, `the delivery of ${id}`)
  return id
}

describe('the admin listener', () => {
  it('serves health, version and metrics without a token, and nothing of /in', async () => {
    const { url } = running.instance
    const get = async (path: string) => {
      const response = await fetch(url + path)
      return { status: response.status, text: await response.text() }
    }
    expect(await get('/healthz')).toMatchObject({ status: 200 })
    expect(await get('/readyz')).toEqual({ status: 200, text: 'ok\n' })
    expect((await get('/readyz?verbose')).text).toMatch(/^\[\+\] log: .*\n(\[\+\] .*\n)+ok\n$/)
    const told = JSON.parse((await get('/version')).text) as object
    expect(told).toMatchObject({ version: version(), instanceId: running.instance.instanceId })
    expect((await get('/in/demo/github')).status).toBe(404)
  })

  it('feeds its metrics', async () => {
    await eventually(async () => {
      const text = await (await fetch(`${running.instance.url}/metrics`)).text()
      const samples = [
        /^zenhook_ingress_requests_total\{status="202",provider="github"\} [1-9]/m,
        /^zenhook_ingress_request_seconds_count\{status="202"\} [1-9]/m,
        /^zenhook_log_append_seconds_count\{topic="received"\} [1-9]/m,
        /^zenhook_spool_records 0/m,
        ...['dedupe', 'enrich', 'score', 'route'].map(
          (stage) => new RegExp(`^zenhook_stage_events_total\\{stage="${stage}".*\\} [1-9]`, 'm'),
        ),
        /^zenhook_stage_batch_seconds_count\{.*\} [1-9]/m,
        /^zenhook_connector_attempts_total\{connector="bin",outcome="delivered"\} [1-9]/m,
        /^zenhook_connector_attempt_seconds_count\{connector="bin"\} [1-9]/m,
        /^zenhook_end_to_end_seconds_count\{connector="bin"\} [1-9]/m,
        ...['chain', 'connectors', 'sink'].map(
          (group) => new RegExp(`^zenhook_lag_records\\{group="${group}"`, 'm'),
        ),
        ...['events', 'decisions', 'attempts'].map(
          (table) => new RegExp(`^zenhook_sink_rows_total\\{table="${table}"\\} [1-9]`, 'm'),
        ),
        /^zenhook_registry_published_timestamp_seconds [1-9]/m,
        /^zenhook_ready\{check="log"\} 1/m,
        /^zenhook_build_info\{.*\} 1/m,
      ]
      return samples.every((sample) => sample.test(text)) || undefined
    }, 'every metric')
  })

  it('wants its token on every path of /v1', async () => {
    for (const authorization of [undefined, 'Bearer wrong', `Basic ${running.token}`]) {
      for (const path of ['/v1/events', '/v1/nothing']) {
        const response = await fetch(running.instance.url + path, {
          headers: authorization === undefined ? {} : { authorization },
        })
        expect(response.status).toBe(401)
        expect(response.headers.get('www-authenticate')).toBe('Bearer')
        expect(await problemOf(response)).toMatchObject({ code: 'ZENHOOK_API_UNAUTHORIZED' })
      }
    }
  })

  it('answers to no name but its own', async () => {
    const { hostname, port } = new URL(running.instance.url)
    const statusAs = (host: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        request({ hostname, port, path: '/version', headers: { host } }, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
          .once('error', reject)
          .end()
      })
    expect(await statusAs(`localhost:${port}`)).toBe(200)
    expect(await statusAs('evil.example:8081')).toBe(403)
    expect(await statusAs('127.0.0.1.evil.example')).toBe(403)
  })

  it('echoes a request id of a sane form, else makes one', async () => {
    const idFor = async (given: string) =>
      (await running.api('/v1/topology', { headers: { 'x-request-id': given } })).headers.get(
        'x-request-id',
      )
    expect(await idFor('trace-1.a')).toBe('trace-1.a')
    expect(await idFor('<script>')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('serves the page that each problem names', async () => {
    const { type } = await problemOf(await running.api('/v1/events/nothing'))
    const page = await fetch(running.instance.url + type)
    expect(page.headers.get('content-type')).toBe('text/markdown; charset=utf-8')
    expect(await page.text()).toBe(readFileSync(join(packageRoot(), `${type}.md`), 'utf8'))
    expect((await fetch(`${running.instance.url}/docs/problems/nothing`)).status).toBe(404)
  })
})

interface Summary {
  id: string
  type: string
  status: string
  receivedAt: string
}
interface Page {
  events: Summary[]
  next?: string
}

describe('/v1/events', () => {
  it('tells the whole story of one', async () => {
    const id = await trigger('push')
    const event = await read<Record<string, unknown>>(`/v1/events/${id}`)
    expect(event).toMatchObject({
      id,
      tenant: 'demo',
      source: 'github',
      type: 'push',
      status: 'delivered',
      receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/) as string,
      data: { ref: expect.any(String) as string },
      headers: { 'x-github-event': 'push' },
    })
    const decisions = event.decisions as { stage: string; tookMs: number; at: string }[]
    expect(decisions.map(({ stage }) => stage)).toEqual([
      ...['ingress', 'dedupe', 'enrich', 'score', 'route', 'deliver'],
    ])
    for (const made of decisions) {
      expect(made).toMatchObject({
        verdict: expect.any(String) as string,
        reason: expect.any(String) as string,
        at: expect.stringMatching(/Z$/) as string,
        tookMs: expect.any(Number) as number,
      })
    }
    expect(event.dispatches).toMatchObject([
      { destination: 'bin', status: 'delivered', attempts: [{ status: 200, attempt: 1 }] },
    ])
    const unknown = await running.api('/v1/events/01a20cd4-f8c2-72d1-8e6a-000000000000')
    expect(unknown.status).toBe(404)
    expect(await problemOf(unknown)).toMatchObject({ code: 'ZENHOOK_API_NOT_FOUND' })
  })

  it('filters, and pages by cursor and Link', async () => {
    for (const event of ['push', 'push', 'check_run']) await trigger(event)
    const all = await read<Page>('/v1/events?tenant=demo&source=github')
    expect(all.events.length).toBeGreaterThanOrEqual(4)
    const times = all.events.map(({ receivedAt }) => receivedAt)
    expect(times).toEqual([...times].sort().reverse())

    const pushes = all.events.filter(({ type }) => type === 'push').map(({ id }) => id)
    const paged: string[] = []
    let path: string | undefined = '/v1/events?type=push&limit=1'
    while (path !== undefined) {
      const response = await running.api(path)
      const page = (await response.json()) as Page
      paged.push(...page.events.map(({ id }) => id))
      const [, link] = /^<(.*)>; rel="next"$/.exec(response.headers.get('link') ?? '') ?? []
      expect(link === undefined).toBe(page.next === undefined)
      path = link
    }
    expect(paged).toEqual(pushes)

    const [newest] = all.events
    const since = `since=${newest?.receivedAt}`
    expect((await read<Page>(`/v1/events?${since}`)).events.map(({ id }) => id)).toContain(
      newest?.id,
    )
    const until = await read<Page>(`/v1/events?until=${newest?.receivedAt}`)
    expect(until.events.map(({ id }) => id)).not.toContain(newest?.id)
    expect((await read<Page>('/v1/events?since=1h')).events).toHaveLength(all.events.length)
    expect((await read<Page>('/v1/events?status=delivered')).events).toHaveLength(all.events.length)
    expect((await read<Page>('/v1/events?status=dead')).events).toEqual([])
    expect((await read<Page>('/v1/events?tenant=nobody')).events).toEqual([])
  })

  it('names the place of what is wrong with a request', async () => {
    const response = await running.api('/v1/events?status=lost&limit=0&since=soon')
    expect(response.status).toBe(400)
    const { code, errors } = await problemOf(response)
    expect(code).toBe('ZENHOOK_API_INVALID')
    expect(errors?.map(({ pointer }) => pointer).sort()).toEqual(['#/limit', '#/since', '#/status'])
    expect((await running.api('/v1/events?cursor=broken')).status).toBe(400)
  })
})

describe('/v1/decisions', () => {
  it('filters rows, and takes SELECT alone', async () => {
    const id = await trigger('push')
    const { decisions } = await read<{ decisions: Record<string, unknown>[] }>(
      `/v1/decisions?event=${id}&stage=score`,
    )
    expect(decisions).toHaveLength(1)
    expect(decisions[0]).toMatchObject({
      ...{ event_id: id, stage: 'score', verdict: 'pass' },
      at: expect.stringMatching(/^[\d-]{10}T[\d:]{8}\.\d{3}Z$/) as string,
      details: expect.any(Object) as object,
    })

    const pages: string[] = []
    let path: string | undefined = `/v1/decisions?event=${id}&limit=4`
    while (path !== undefined) {
      const response = await running.api(path)
      const page = (await response.json()) as { decisions: { stage: string }[]; next?: string }
      pages.push(page.decisions.map(({ stage }) => stage).join())
      const [, link] = /^<(.*)>; rel="next"$/.exec(response.headers.get('link') ?? '') ?? []
      expect(link === undefined).toBe(page.next === undefined)
      path = link
    }
    expect(pages).toHaveLength(2)
    expect(pages.join().split(',').sort()).toEqual([
      ...['dedupe', 'deliver', 'enrich', 'ingress', 'route', 'score'],
    ])

    const query = (sql: string) => send('POST', '/v1/decisions/query', { sql })
    const counted = await query('SELECT count() AS n FROM events')
    expect(await counted.json()).toEqual({ rows: [{ n: expect.any(Number) as number }] })
    for (const sql of [
      'DROP TABLE events',
      "SELECT file('/etc/passwd')",
      'SELECT 1 FROM events INTO OUTFILE',
    ]) {
      const refused = await query(sql)
      expect(refused.status).toBe(400)
      expect((await problemOf(refused)).code).toBe('ZENHOOK_DECISIONS_QUERY_REFUSED')
    }
  })
})

describe('/play', () => {
  it('shows what came, with fault knobs, caps, and nothing that a browser would run', async () => {
    const { url } = running.instance
    const made = await fetch(`${url}/play`, { method: 'POST' })
    expect(made.status).toBe(201)
    const bin = (await made.json()) as { id: string; url: string; requests: string }
    const { id } = bin
    expect(bin).toEqual({ id, url: `${url}/play/${id}`, requests: `${url}/play/${id}/requests` })
    expect(made.headers.get('location')).toBe(bin.url)
    expect(await (await fetch(bin.requests)).json()).toEqual([])
    expect((await fetch(bin.url, { method: 'POST', body: '{}' })).status).toBe(200)
    const put = await fetch(`${url}/play/${id}?status=503&delay=200`, {
      method: 'PATCH',
      body: '<script>alert(1)</script>',
      headers: { 'content-type': 'text/html' },
    })
    expect(put.status).toBe(503)
    for (const status of [204, 205, 304])
      expect((await fetch(`${url}/play/${id}?status=${status}`)).status).toBe(status)
    const shown = await fetch(`${url}/play/${id}/requests`)
    expect(shown.headers.get('content-type')).toMatch(/^application\/json/)
    expect(shown.headers.get('x-content-type-options')).toBe('nosniff')
    expect(shown.headers.get('content-security-policy')).toContain("default-src 'none'")
    const text = await shown.text()
    expect(text).not.toContain('<script>')
    const requests = JSON.parse(text) as { method: string; body: string; size: number }[]
    expect(requests.map(({ method }) => method)).toContain('POST')
    expect(requests.find(({ method }) => method === 'PATCH')).toMatchObject({
      body: '<script>alert(1)</script>',
      size: 25,
    })
    expect((await fetch(`${url}/play/${id}?delay=999999`)).status).toBe(400)
    expect((await fetch(`${url}/play/${id}?status=42`)).status).toBe(400)
    const large = await fetch(`${url}/play/${id}`, {
      method: 'POST',
      body: new Uint8Array(300 * 1024),
    })
    expect(large.status).toBe(413)
    const guessed = await fetch(`${url}/play/guessed`, { method: 'POST' })
    expect(guessed.status).toBe(404)
    expect((await problemOf(guessed)).detail).toContain('POST /play makes one')
    expect((await fetch(`${url}/play/guessed/requests`)).status).toBe(404)
  })
})

describe('what else /v1 tells', () => {
  it('topology and dead letters', async () => {
    expect(await read('/v1/topology')).toMatchObject({
      chain: 'fused',
      engines: { log: 'embedded (lmdb)' },
      nodes: expect.arrayContaining([
        expect.objectContaining({ name: 'sink', from: ['received', 'decisions'] }),
      ]) as unknown[],
    })
    expect(await read('/v1/dead')).toEqual({ dead: [], more: false })
    expect((await running.api('/v1/dead/nothing')).status).toBe(404)
  })
})

describe('what a caller says', () => {
  it('of his own request id comes back, on both listeners, where it is sane', async () => {
    const { url, publicUrl } = running.instance
    const given = `Root=1-67891233-${'a'.repeat(80)}`
    for (const base of [`${url}/v1/topology`, `${publicUrl}/in/demo/nothing`]) {
      const echo = async (id: string) =>
        (await fetch(base, { headers: { 'x-request-id': id } })).headers.get('x-request-id')
      expect(await echo(given)).toBe(given)
      expect(await echo('a b')).not.toBe('a b')
    }
  })

  it('of an age beyond all dates is as old as anything', async () => {
    const filter = { tenant: 'demo', source: 'nobody' }
    const asked = await send('POST', '/v1/replays', { ...filter, since: '999999999d' })
    expect(asked.status).toBeLessThan(300)
    const { id } = (await asked.json()) as { id: string }
    const shown = (await read(`/v1/replays/${id}`)) as object
    expect(JSON.stringify(shown)).toContain('1970-01-01T00:00:00.000Z')
    expect((await running.api('/v1/replays')).status).toBe(200)
  })
})

describe('a sample event', () => {
  const secret = 'a token that stays where it is'
  const put = (name: string, spec: object) => send('PUT', `/v1/registry/source/demo/${name}`, spec)
  const ask = (more: object) => send('POST', '/v1/trigger', { provider: 'github', ...more })
  const demo = { tenant: 'demo', source: 'github' }

  it('is refused where no source takes it, and says why', async () => {
    expect((await ask({ ...demo, source: 'githb' })).status).toBe(404)
    expect((await ask({ provider: 'githb' })).status).toBe(400)
    expect((await ask({ ...demo, event: 'nothing_like_it' })).status).toBe(404)
    expect((await ask({ tenant: 'demo' })).status).toBe(400)
    expect((await ask({ provider: 'stripe' })).status).toBe(404)
  })

  it('never shows a secret, not even where the secret is what is sent', async () => {
    expect((await put('lab', { provider: 'gitlab', secrets: [`plain:${secret}`] })).status).toBe(
      200,
    )
    await eventually(
      async () => (await ask({ provider: 'gitlab' })).status === 200 || undefined,
      'the source of GitLab',
    )
    const sent = await ask({ provider: 'gitlab' })
    const text = await sent.text()
    expect((JSON.parse(text) as Triggered).answers[0]?.status).toBe(202)
    expect(text).not.toContain(secret)
    // Another provider's form would carry it in a header that is shown nowhere, but is not the source's.
    for (const provider of ['okta', 'telegram', 'github']) {
      const other = await ask({ provider, tenant: 'demo', source: 'lab' })
      const said = await other.text()
      expect({ provider, status: other.status }).toEqual({ provider, status: 400 })
      expect(said).toMatch(/demo\/lab is a source of gitlab, not of/)
      expect(said).not.toContain(secret)
    }
  })

  it('is signed as its source says, not as its provider does by default', async () => {
    const spec = {
      provider: 'grafana',
      verify: { header: 'x-our-own-signature' },
      secrets: ['plain:a secret of this test'],
    }
    expect((await put('board', spec)).status).toBe(200)
    const verify = { scheme: 'hmac', header: 'x-hub', prefix: 'sha256=' }
    expect((await put('own', { verify, secrets: ['plain:a secret of this test'] })).status).toBe(
      200,
    )
    await eventually(
      async () => (await ask({ tenant: 'demo', source: 'own' })).status === 200 || undefined,
      'the sources',
    )
    for (const [provider, source] of [
      ['grafana', 'board'],
      ['github', 'own'],
    ]) {
      const told = (await (await ask({ provider, tenant: 'demo', source })).json()) as Triggered
      expect({ source, status: told.answers[0]?.status }).toEqual({ source, status: 202 })
    }
  })
})
