import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import {
  entry,
  eventually,
  json,
  jsonLines,
  type Running,
  start,
  workspace,
  zenhook,
} from './harness.ts'

let space: Awaited<ReturnType<typeof workspace>>
let running: Running
const run = (...args: string[]) => zenhook([...args, '--data-dir', space.path('data')])

beforeAll(async () => {
  space = await workspace()
  running = await start({
    dataDir: space.path('data'),
    env: { STRIPE_SECRET: 'whsec_0123456789abcdef0123' },
  })
})
afterAll(() => space.remove())

interface Summary {
  id: string
  type: string
  status: string
}
const idOf = (out: string): string => /"id":"([0-9a-f-]{36})"/.exec(out)?.[1] ?? ''
const delivered = (id: string) =>
  eventually(async () => {
    const response = await running.api(`/v1/events/${id}`)
    return ((await response.json()) as Summary).status === 'delivered' || undefined
  }, `the delivery of ${id}`)

describe('zenhook trigger', () => {
  it('sends what the provider would send, and flaws on demand', async () => {
    const [plain, bad, twice, burst, stale] = await Promise.all([
      run('trigger', 'github.push'),
      run('trigger', 'github.push', '--bad-signature'),
      run('trigger', 'github.push', '--duplicate'),
      run('trigger', 'github', '--burst', '40', '-o', 'json'),
      run('trigger', 'github.push', '--stale'),
    ])
    expect(plain).toMatchObject({ code: 0, err: 'to demo/github\n' })
    expect(plain.out).toMatch(/^202 \{"id":"[0-9a-f-]{36}"\}\n$/)
    // Refused as it should be: that is what was asked for.
    expect(bad.code).toBe(0)
    expect(bad.out).toMatch(/^401 .*ZENHOOK_INGRESS_UNAUTHORIZED/)
    expect(twice.code).toBe(0)
    const [first = '', second = ''] = twice.out.split('\n')
    expect(second).toBe(`202 {"id":"${idOf(first)}","duplicate":true}`)
    const answers = jsonLines<{ status: number; body: { id: string } }>(burst)
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(40)
    expect(answers.every(({ status }) => status === 202)).toBe(true)
    expect(burst.err).toBe('to demo/github\n')
    // GitHub signs no time: nothing can be stale, and that is said.
    expect(stale.code).toBe(1)
    expect(stale.err).toContain('signs no time')
  })

  it('says what it cannot send', async () => {
    const [provider, source] = await Promise.all([
      run('trigger', 'githb.push'),
      run('trigger', 'github.push', '--source', 'demo/githb'),
    ])
    expect(provider.code).toBe(1)
    expect(provider.err).toMatch(/Did you mean github\?.*ZENHOOK_VERIFY_UNKNOWN_PROVIDER/s)
    expect(source.code).toBe(1)
    expect(source.err).toMatch(/Did you mean demo\/github\?/)
  })
})

describe('zenhook events and explain', () => {
  it('list, get and explain', async () => {
    const id = idOf((await run('trigger', 'github.push')).out)
    await delivered(id)
    const [table, asJson, asYaml, got, explained, none] = await Promise.all([
      run('events', 'list', '--limit', '3'),
      run('events', 'list', '--type', 'push', '-o', 'json'),
      run('events', 'list', '--status', 'dead', '-o', 'yaml'),
      run('events', 'get', id),
      run('explain', id),
      run('explain', '01a20cd4-f8c2-72d1-8e6a-000000000000'),
    ])
    expect(table.out.split('\n')[0]).toMatch(/^ID +RECEIVED +SOURCE +TYPE +STATUS$/)
    expect(table.out.trimEnd().split('\n')).toHaveLength(4)
    const listed = json<Summary[]>(asJson)
    expect(listed.map((event) => event.id)).toContain(id)
    expect(new Set(listed.map(({ type }) => type))).toEqual(new Set(['push']))
    expect(parse(asYaml.out)).toEqual([])
    expect(json<object>(got)).toMatchObject({ id, status: 'delivered', data: {}, headers: {} })
    for (const stage of ['ingress', 'dedupe', 'enrich', 'score', 'route', 'deliver']) {
      expect(explained.out).toMatch(new RegExp(`^ {2}[\\d:.]{12} {2}${stage} `, 'm'))
    }
    expect(explained.out).toMatch(/^ {2}bin: delivered/m)
    expect(explained.out).toMatch(/^ {4}[\d:.]{12} {2}attempt 1, delivered, HTTP 200/m)
    expect(none.code).toBe(1)
    expect(none.err).toContain('There is no event')
  })

  it('tail shows events as they come, once each', async () => {
    const args = ['events', 'tail', '-o', 'json', '--data-dir', space.path('data')]
    const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    try {
      const id = idOf((await run('trigger', 'github.push')).out)
      await eventually(() => out.includes(id) || undefined, 'the event in the tail')
      const other = idOf((await run('trigger', 'github.push')).out)
      await eventually(() => out.includes(other) || undefined, 'the next event in the tail')
      const ids = jsonLines<Summary>({ code: 0, out, err: '' }).map((event) => event.id)
      expect(new Set(ids).size).toBe(ids.length)
      expect(ids.indexOf(id)).toBeLessThan(ids.indexOf(other))
    } finally {
      const gone = once(child, 'close')
      child.kill('SIGINT')
      await gone
    }
  })
})

describe('zenhook decisions query', () => {
  it('takes SELECT over our tables, and nothing else', async () => {
    const sql = "SELECT stage, count() AS n FROM decisions WHERE stage = 'score' GROUP BY ALL"
    const [table, asJson, stdin, ...refused] = await Promise.all([
      run('decisions', 'query', sql),
      run('decisions', 'query', sql, '-o', 'json'),
      zenhook(['decisions', 'query', '-', '--data-dir', space.path('data'), '-o', 'json'], {
        input: sql,
      }),
      run('decisions', 'query', 'DROP TABLE events'),
      run('decisions', 'query', "SELECT file('/etc/passwd')"),
      run('decisions', 'query', 'SELECT * FROM system.tables'),
      run('decisions', 'query', "SELECT id FROM events INTO OUTFILE '/tmp/x'"),
    ])
    expect(table.out).toMatch(/^STAGE +N\nscore +\d+\n$/)
    expect(asJson.out).toMatch(/^\{"stage":"score","n":\d+\}\n$/)
    expect(jsonLines(stdin)).toHaveLength(1)
    for (const { code, err, out } of refused) {
      expect({ code, out }).toEqual({ code: 1, out: '' })
      expect(err).toContain('ZENHOOK_DECISIONS_QUERY_REFUSED')
    }
  })
})

const config = `tenants:
  acme:
    sources:
      pay: { provider: stripe, secrets: [env:STRIPE_SECRET] }
    destinations:
      box: { connector: bin }
    routes:
      - { name: all, when: "true", to: [box] }
`

describe('zenhook diff and apply', () => {
  it('show, then publish, without a restart', async () => {
    const file = space.path('zenhook.yaml')
    await writeFile(file, config)
    const bad = space.path('bad.yaml')
    await writeFile(bad, config.replace('stripe', 'strpe'))
    const diff = await run('diff', '-f', file)
    expect(diff.code).toBe(0)
    expect(diff.out).toMatch(/^create +source +acme\/pay/m)
    expect(diff.out).toContain('would become')
    expect((await running.api('/v1/registry/source/acme/pay')).status).toBe(404)

    const refused = await run('apply', '-f', bad)
    expect(refused.code).toBe(1)
    expect(refused.err).toContain(`  ${bad}:4:24 ZENHOOK_CONFIG_UNKNOWN_PROVIDER `)
    expect(refused.err).toContain('(ZENHOOK_CONFIG_INVALID)')

    const applied = await zenhook(
      ['apply', '-f', '-', '-o', 'json', '--data-dir', space.path('data')],
      { input: config },
    )
    expect(json<{ changed: object[] }>(applied).changed).toHaveLength(3)
    expect((await run('diff', '-f', file)).out).toMatch(/^nothing to change/)

    const sent = await run('trigger', 'stripe', '--source', 'acme/pay')
    expect(sent.out).toMatch(/^202 /)
    await delivered(idOf(sent.out))
    const stale = await run('trigger', 'stripe', '--source', 'acme/pay', '--stale')
    expect(stale).toMatchObject({ code: 0, err: 'to acme/pay\n' })
    expect(stale.out).toMatch(/^401 /)
  })
})

describe('the other commands', () => {
  it('topology, dead and doctor', async () => {
    const [topology, asJson, dead, none, doctor] = await Promise.all([
      run('topology'),
      run('topology', '-o', 'json'),
      run('dead', 'list', '-o', 'json'),
      run('dead', 'get', 'nothing'),
      run('doctor'),
    ])
    expect(topology.out).toMatch(/^decisions embedded ClickHouse \(chdb\)$/m)
    expect(topology.out).toMatch(/^dedupe → enrich → score → route +processors +chain +received/m)
    expect(json(asJson)).toMatchObject({ chain: 'fused' })
    expect(json(dead)).toEqual([])
    expect(none.code).toBe(1)
    expect(doctor.code).toBe(0)
    expect(doctor.out).toContain(`${running.instance.url}, version`)
  })

  it('send a token to no other instance than the one of the folder', async () => {
    await mkdir(space.path('other'))
    const { url } = running.instance
    const forged = { ...running.instance, instanceId: 'another' }
    await writeFile(space.path('other/instance.json'), JSON.stringify(forged))
    await writeFile(space.path('other/admin-token'), 'secret\n')
    const other = await zenhook(['events', 'list', '--data-dir', space.path('other')])
    expect(other.code).toBe(1)
    expect(other.err).toContain('ZENHOOK_CLI_OTHER_INSTANCE')

    const { publicUrl } = running.instance
    const inFront = await run('events', 'list', '--url', publicUrl)
    expect(inFront).toMatchObject({ code: 1, out: '' })
    expect(inFront.err).toContain(`--url ${url}: ${publicUrl} is its public listener`)

    const away = ['events', 'list', '--data-dir', space.path('nowhere'), '--url', url]
    const tokenFile = space.path('data/admin-token')
    const [noToken, wrong, right, fromFile, emptyToken] = await Promise.all([
      zenhook(away),
      zenhook(away, { env: { ZENHOOK_TOKEN: 'wrong' } }),
      zenhook(away, { env: { ZENHOOK_TOKEN: running.token } }),
      zenhook(away, { env: { ZENHOOK_TOKEN_FILE: tokenFile } }),
      zenhook(away, { env: { ZENHOOK_TOKEN: '', ZENHOOK_TOKEN_FILE: tokenFile } }),
    ])
    expect(noToken.err).toContain('ZENHOOK_CLI_NO_TOKEN')
    expect(wrong.err).toContain('ZENHOOK_API_UNAUTHORIZED')
    const codes = [noToken, wrong, right, fromFile, emptyToken].map(({ code }) => code)
    expect(codes).toEqual([1, 1, 0, 0, 0])
  })
})
