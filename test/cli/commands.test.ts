import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { version } from '../../cli/version.ts'
import { type Case, held, json, jsonLines, workspace, zenhook } from './harness.ts'

let space: Awaited<ReturnType<typeof workspace>>
const file = async (name: string, text: string): Promise<string> => {
  await writeFile(space.path(name), text)
  return space.path(name)
}
beforeAll(async () => {
  space = await workspace()
})
afterAll(() => space.remove())

const good = `tenants:
  acme:
    sources:
      github: { provider: github, secrets: [env:GITHUB_SECRET] }
    destinations:
      oncall: { connector: bin }
    routes:
      - { name: all, when: "true", to: [oncall] }
`

interface Fault {
  file: string
  line: number
  column: number
  code: string
  message: string
}

describe('zenhook', () => {
  it('tells its version, and what there is', async () => {
    const [told, help, nothing] = await Promise.all([
      zenhook(['--version']),
      zenhook(['--help']),
      zenhook([]),
    ])
    expect(told).toEqual({ code: 0, out: `${version()}\n`, err: '' })
    expect(help.code).toBe(0)
    for (const command of ['start', 'apply', 'diff', 'trigger', 'verify', 'explain', 'doctor']) {
      expect(help.out).toMatch(new RegExp(`^ {2}${command} `, 'm'))
    }
    expect(nothing.code).toBe(2)
    expect(nothing.err).toContain('Usage: zenhook')
  })

  it('answers what it does not know with the nearest that it knows', async () => {
    const cases: Case[] = [
      [['confg'], 2, /Did you mean config\?/],
      [['config', 'chek', 'x'], 2, /Did you mean check\?/],
      [['events', 'lst'], 2, /Did you mean list\?/],
      [['providers', 'list', '--outptu', 'json'], 2, /Did you mean --output\?/],
      [['providers', 'list', '-o', 'jsn'], 2, /table, wide, json, yaml/],
      [['providers', 'show', 'gitub'], 1, /Did you mean github\?/],
      [['apply'], 2, /--file/],
      [['explain'], 2, /missing required argument 'id'/],
      [['trigger', 'github', '--burst', '0'], 2, /whole number from 1/],
      [['trigger', 'github', '--source', 'x'], 2, /TENANT\/SOURCE/],
      [['events', 'list', '--url', 'nonsense'], 2, /is not a URL/],
      [['events', 'list', '--data-dir', 'nowhere'], 1, /No instance runs.*zenhook start/s],
    ]
    await held(cases)
  })

  it('refuses what would match nothing, or change nothing, in silence', async () => {
    const cases: Case[] = [
      [['events', 'list', '--source', 'a/b/c'], 2, /neither TENANT\/SOURCE nor/],
      [['events', 'tail', '--source', 'a/'], 2, /neither TENANT\/SOURCE nor/],
      [['audit', '--source', '/b'], 2, /neither TENANT\/SOURCE nor/],
      [['replay', '--source', 'a/b/c'], 2, /neither TENANT\/SOURCE nor/],
      [['dead', 'list', '--source', 'a/b', '--tenant', 'c'], 2, /two tenants/],
      [['events', 'list', '--status', 'lost'], 2, /accepted, routed, .*dead/],
      [['verify', '--batch', '-', '--at', '2026-01-31T12:00:00Z'], 2, /--at/],
      [['verify', '--batch', '-', '--method', 'PUT'], 2, /--method/],
      [['verify', '--batch', '-', '--url', 'http://x/'], 2, /--url/],
    ]
    await held(cases)
  })

  it('takes an empty DATA_DIR for none', async () => {
    const env = { DATA_DIR: '' }
    const { err } = await zenhook(['events', 'list'], { env, cwd: space.folder })
    expect(err).toMatch(/data folder .*[/\\]\.zenhook$/m)
  })

  it('says what is wrong in four parts', async () => {
    const { code, err } = await zenhook(['config', 'check', space.path('absent.yaml')])
    expect(code).toBe(1)
    expect(err).toMatch(
      /^error: Cannot read .*absent\.yaml\n {2}why: ENOENT.*\n {2}do: {2}Check.*\n {2}see: docs\/reference\/errors\.md#zenhook_cli_file \(ZENHOOK_CLI_FILE\)\n$/,
    )
  })
})

describe('zenhook config', () => {
  it('check finds every fault at its place, in every form', async () => {
    const bad = good
      .replace('provider: github', 'provider: githb')
      .replace('connector: bin', 'conector: bin')
    const path = await file('bad.yaml', bad)
    const [text, asJson, asYaml, stdin] = await Promise.all([
      zenhook(['config', 'check', path]),
      zenhook(['config', 'check', path, '-o', 'json']),
      zenhook(['config', 'check', path, '-o', 'yaml']),
      zenhook(['config', 'check', '-'], { input: bad }),
    ])
    for (const { code } of [text, asJson, asYaml, stdin]) expect(code).toBe(1)
    const faults = json<Fault[]>(asJson)
    expect(faults.map(({ line, column, code }) => [line, column, code])).toEqual([
      [4, 27, 'ZENHOOK_CONFIG_UNKNOWN_PROVIDER'],
      [6, 7, 'ZENHOOK_CONFIG_MISSING_KEY'],
      [6, 17, 'ZENHOOK_CONFIG_UNKNOWN_KEY'],
    ])
    for (const fault of faults) {
      expect(Object.keys(fault)).toEqual(['file', 'line', 'column', 'code', 'message'])
    }
    expect(parse(asYaml.out)).toEqual(faults)
    const lines = faults.map(
      ({ file, line, column, code, message }) => `${file}:${line}:${column} ${code} ${message}\n`,
    )
    expect(text.out).toBe(lines.join(''))
    expect(stdin.out).toBe(lines.join('').replaceAll(path, '-'))
  })

  it('check accepts what is right, and warns of secrets in the file', async () => {
    const path = await file('good.yaml', good)
    const literal = await file(
      'literal.yaml',
      good.replace('env:GITHUB_SECRET', 'plain:0123456789abcdef'),
    )
    const [fine, asJson, quiet, warned] = await Promise.all([
      zenhook(['config', 'check', path]),
      zenhook(['config', 'check', path, '-o', 'json']),
      zenhook(['config', 'check', literal, '--quiet']),
      zenhook(['config', 'check', literal]),
    ])
    expect(fine).toEqual({ code: 0, out: `${path} is valid\n`, err: '' })
    expect(json(asJson)).toEqual([])
    expect(quiet).toEqual({ code: 0, out: '', err: '' })
    expect(warned.err).toMatch(/^warning: .*literal\.yaml:4:45 ZENHOOK_CONFIG_PLAIN_SECRET/)
    expect(warned.err).not.toContain('0123456789abcdef')
  })

  it('env shows every setting with its origin, and no secret', async () => {
    const outcome = await zenhook(['config', 'env', '-o', 'json'], {
      env: { PORT: '9001', REDIS_URL: 'redis://u:hunter2@r:6379', KAFKA_SASL_PASSWORD: 'hunter2' },
    })
    const shown = json<{ env: string; value: string; origin: string }[]>(outcome)
    const of = (name: string) => shown.find(({ env }) => env === name)
    expect(of('PORT')).toMatchObject({ value: '9001', origin: 'environment' })
    expect(of('ADMIN_PORT')).toMatchObject({ value: '8081', origin: 'default' })
    expect(of('KAFKA_SASL_PASSWORD')?.value).toBe('***')
    expect(outcome.out).not.toContain('hunter2')
  })
})

describe('zenhook providers', () => {
  it('list and show the presets, in every form', async () => {
    const [asTable, wide, asJson, asYaml, shown] = await Promise.all([
      zenhook(['providers', 'list']),
      zenhook(['providers', 'list', '-o', 'wide']),
      zenhook(['providers', 'list', '-o', 'json']),
      zenhook(['providers', 'list', '-o', 'yaml']),
      zenhook(['providers', 'show', 'stripe']),
    ])
    const all = json<{ name: string }[]>(asJson)
    const listed = parse(asYaml.out) as { name: string }[]
    expect(all.length).toBeGreaterThanOrEqual(75)
    expect(listed.map(({ name }) => name)).toEqual(all.map(({ name }) => name))
    expect(asTable.out.split('\n')[0]).toMatch(/^NAME +TITLE +SCHEMES +BODY +CHECKED$/)
    expect(wide.out.split('\n')[0]).toMatch(/DOCUMENTED$/)
    expect(asTable.out.trimEnd().split('\n')).toHaveLength(all.length + 1)
    expect(shown.out).toMatch(/^name +stripe/)
    expect(shown.out).toMatch(/^checked +library: stripe/m)
    expect(shown.out).toMatch(/^events +.*\(samples for zenhook trigger\)$/m)
  })
})

describe('zenhook doctor', () => {
  it('tells the version of a schema registry that tells its own, and says where it does not', async () => {
    const answers: Record<string, string> = { '/subjects': '[]', '/b/subjects': '[]' }
    answers['/v1/metadata/version'] = '{"version":"7.9.1","commitId":"x"}'
    const registry = createServer((request, response) => {
      const answer = answers[request.url ?? '']
      response.writeHead(answer === undefined ? 404 : 200).end(answer ?? 'not found')
    })
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
    try {
      const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`
      const [told, silent] = await Promise.all(
        [url, `${url}/b`].map((each) =>
          zenhook(['doctor', '--data-dir', space.path('doctor')], {
            env: { SCHEMA_REGISTRY_URL: each },
          }),
        ),
      )
      expect(told?.out).toMatch(
        /^ok +schemas +schema registry \(Confluent API\), version 7\.9\.1$/m,
      )
      expect(silent?.out).toMatch(/^ok +schemas .*, version not told$/m)
    } finally {
      await new Promise((resolve) => registry.close(resolve))
    }
  })
})

interface Verified {
  ok: boolean
  reason: string | null
  step: string | null
  deliveryId: string | null
  type: string | null
}

// The example of GitHub's documentation.
const github = {
  secret: "It's a Secret to Everybody",
  body: 'Hello, World!',
  signature: 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
}
const headersOf = (signature: string): string[] => [
  ...['--header', `X-Hub-Signature-256: ${signature}`, '--header', 'X-GitHub-Event: push'],
  ...['--header', 'X-GitHub-Delivery: d-1'],
]

describe('zenhook verify', () => {
  it('tells genuine from not, which step failed, and takes any of several secrets', async () => {
    const body = await file('body', github.body)
    const headers = await file(
      'headers.json',
      JSON.stringify({
        'x-hub-signature-256': github.signature,
        'x-github-event': ['push'],
        'x-github-delivery': 'd-1',
      }),
    )
    const base = ['verify', '--provider', 'github', '--body', body]
    const [genuine, asJson, fromFile, fromStdin, wrong, unsigned, asYaml] = await Promise.all([
      zenhook([...base, '--secret', github.secret, ...headersOf(github.signature)]),
      zenhook([
        ...[...base, '--secret', 'an older one', '--secret', github.secret],
        ...[...headersOf(github.signature), '-o', 'json'],
      ]),
      zenhook([...base, '--secret', github.secret, '--headers', headers, '-o', 'json']),
      zenhook(
        [
          ...['verify', '--provider', 'github', '--secret', github.secret, '--body', '-'],
          ...headersOf(github.signature),
        ],
        { input: github.body },
      ),
      zenhook([...base, '--secret', 'other', ...headersOf(github.signature), '-o', 'json']),
      zenhook([...base, '--secret', github.secret]),
      zenhook([...base, '--secret', github.secret, ...headersOf(github.signature), '-o', 'yaml']),
    ])
    expect(genuine).toEqual({ code: 0, out: 'genuine: push d-1\n', err: '' })
    expect(asJson.out).toBe(
      '{"ok":true,"reason":null,"step":null,"deliveryId":"d-1","type":"push"}\n',
    )
    expect(json<Verified>(fromFile)).toEqual(json<Verified>(asJson))
    expect(parse(asYaml.out)).toEqual(json<Verified>(asJson))
    expect(fromStdin.code).toBe(0)
    expect(wrong.code).toBe(1)
    expect(Object.keys(json<Verified>(wrong))).toEqual([
      ...['ok', 'reason', 'step', 'deliveryId', 'type'],
    ])
    expect(json<Verified>(wrong)).toMatchObject({ ok: false, reason: 'mismatch' })
    expect(wrong.out + wrong.err).not.toContain('7571')
    expect(unsigned.code).toBe(1)
    expect(unsigned.out).toMatch(/^not genuine: missing \(.*x-hub-signature-256\)\n$/)
  })

  it('verifies as of a given time', async () => {
    const secret = 'whsec_test0123456789abcdef'
    const at = '2026-01-31T12:00:00.000Z'
    const seconds = Date.parse(at) / 1000
    const body = '{"id":"evt_1","type":"charge.failed"}'
    const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
    const args = [
      ...['verify', '--provider', 'stripe', '--secret', secret, '--body', '-', '-o', 'json'],
      ...['--header', `Stripe-Signature: t=${seconds},v1=${mac}`],
    ]
    const [then, now, wrongTime] = await Promise.all([
      zenhook([...args, '--at', at], { input: body }),
      zenhook(args, { input: body }),
      zenhook([...args, '--at', 'yesterday'], { input: body }),
    ])
    expect(then.code).toBe(0)
    expect(json<Verified>(then)).toMatchObject({ deliveryId: 'evt_1', type: 'charge.failed' })
    expect(now.code).toBe(1)
    expect(json<Verified>(now).reason).toBe('stale')
    expect(wrongTime.code).toBe(2)
  })

  it('takes public keys as PEM, hex, base64 and JWKS', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const jwk = publicKey.export({ format: 'jwk' })
    const raw = Buffer.from(String(jwk.x), 'base64url')
    const timestamp = String(Math.floor(Date.now() / 1000))
    const body = '{"type":1}'
    const signature = sign(null, Buffer.from(timestamp + body), privateKey).toString('hex')
    const keys = [
      publicKey.export({ format: 'pem', type: 'spki' }).toString(),
      raw.toString('hex'),
      raw.toString('base64'),
      JSON.stringify({ keys: [jwk] }),
    ]
    const outcomes = await Promise.all(
      keys.map((key) =>
        zenhook(
          [
            ...['verify', '--provider', 'discord', '--secret', key, '--body', '-'],
            ...['--header', `X-Signature-Ed25519: ${signature}`],
            ...['--header', `X-Signature-Timestamp: ${timestamp}`],
          ],
          { input: body },
        ),
      ),
    )
    expect(outcomes.map(({ code, err }) => [code, err])).toEqual(keys.map(() => [0, '']))
  })

  it('answers a batch line by line, in order, and names lines that it cannot read', async () => {
    const record = {
      provider: 'github',
      secrets: [github.secret],
      headers: { 'X-Hub-Signature-256': [github.signature], 'X-GitHub-Event': 'push' },
      body: Buffer.from(github.body).toString('base64'),
      bodyEncoding: 'base64',
    }
    const genuine = JSON.stringify(record)
    const forged = JSON.stringify({ ...record, body: 'Hello, World?', bodyEncoding: 'utf8' })
    const lines = [genuine, forged, '{"provider":', '{"provider":"githb","secrets":["x"]}', genuine]
    const mixed = await file('mixed.ndjson', `${lines.join('\n')}\n`)
    const [some, all, absent, both, asYaml] = await Promise.all([
      zenhook(['verify', '--batch', mixed]),
      zenhook(['verify', '--batch', '-'], { input: `${genuine}\n\n${genuine}` }),
      zenhook(['verify', '--batch', space.path('absent')]),
      zenhook(['verify', '--batch', mixed, '--secret', 'x']),
      zenhook(['verify', '--batch', mixed, '-o', 'yaml']),
    ])
    const results = jsonLines<Verified>(some)
    expect(some.code).toBe(1)
    expect(results.map(({ ok, reason }) => [ok, reason])).toEqual([
      [true, null],
      [false, 'mismatch'],
      [false, 'malformed'],
      [false, 'malformed'],
      [true, null],
    ])
    expect(some.err).toContain(`${mixed}:3: `)
    expect(some.err).toMatch(/mixed\.ndjson:4: .*githb/)
    expect(all.code).toBe(0)
    expect(jsonLines<Verified>(all)).toHaveLength(2)
    expect(absent.code).toBe(1)
    expect(absent.err).toContain('Cannot read')
    expect(both.code).toBe(2)
    expect(parse(asYaml.out)).toEqual(results)
  })

  it('asks for what is missing', async () => {
    const cases: Case[] = [
      [['verify'], 2, /--provider is missing/],
      [['verify', '--provider', 'github', '--body', '-'], 2, /--secret is missing/],
      [['verify', '--provider', 'github', '--secret', 's'], 2, /--body is missing/],
      [
        ['verify', '--provider', 'githb', '--secret', 's', '--body', '-'],
        1,
        /Did you mean github\?/,
      ],
      [
        ['verify', '--provider', 'github', '--secret', 's', '--body', '-', '--header', 'nocolon'],
        2,
        /Name: value/,
      ],
      [
        ['verify', '--provider', 'github', '--secret', 's', '--body', '-', '--headers', '-'],
        2,
        /both/,
      ],
    ]
    await held(cases)
  })
})
