import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, importPKCS8, importSPKI, SignJWT } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { createEgress, type Egress } from '../../core/net/index.ts'
import { createKeyFetcher } from '../keys.ts'
import { makeSource } from '../testing/fakes.ts'
import { startIngress } from '../testing/harness.ts'
import { sendDraft } from '../testing/send.ts'
import { createVerifier } from '../verifiers/create.ts'
import { generateKeys } from '../verifiers/keys.ts'

const open: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const listen = async (listener: RequestListener): Promise<number> => {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const pair = generateKeys('rsa')
const jwk = {
  ...(await exportJWK(await importSPKI(pair.verifying, 'RS256'))),
  ...{ kid: 'one', use: 'sig', alg: 'RS256' },
}
const signing = await importPKCS8(pair.signing, 'RS256')
const keySet = JSON.stringify({ keys: [jwk] })
const base = 1_760_000_000_000

const token = (kid: string): Promise<string> =>
  new SignJWT({ iss: 'them', exp: base / 1_000 + 3_600 })
    .setProtectedHeader({ alg: 'RS256', kid })
    .sign(signing)

/** An ingress whose one source fetches its keys from a server of ours, through the guarded client. */
const start = async (listener: RequestListener, timeoutMs?: number) => {
  let fetches = 0
  const port = await listen((request, response) => {
    fetches += 1
    listener(request, response)
  })
  const egress = createEgress({
    grants: ['127.0.0.0/8'],
    resolver: async () => ['127.0.0.1'],
    maxResponseBytes: 256 * 1024,
  })
  open.push(() => egress.close())
  // TLS is the client's own affair: what is asked for is not.
  const plain: Pick<Egress, 'request'> = {
    request: (url, request) =>
      egress.request(url.replace('https://keys.test', `http://keys.test:${port}`), {
        ...request,
        allowPrivate: true,
      }),
  }
  const clock = { at: base }
  const verifier = createVerifier({
    verify: {
      scheme: 'jwt',
      algorithms: ['RS256'],
      jwks: 'https://keys.test/keys',
      issuer: 'them',
    },
    secrets: [],
    fetchKey: createKeyFetcher(plain, timeoutMs),
  })
  const started = await startIngress([makeSource({ name: 'jwt' })], {
    now: () => clock.at,
    verifierFor: async () => verifier,
  })
  open.push(() => started.close())
  let sent = 0
  const send = async (kid: string): Promise<number> => {
    sent += 1
    const { status } = await sendDraft(started.port, {
      method: 'POST',
      url: 'http://x/in/acme/jwt',
      headers: [
        ['content-type', 'application/json'],
        ['authorization', `Bearer ${await token(kid)}`],
      ],
      body: Buffer.from(`{"n":${sent}}`),
    })
    return status
  }
  return { ...started, clock, send, fetches: () => fetches }
}

const waves = async (count: number, work: (at: number) => Promise<void>): Promise<void> => {
  let next = 0
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      for (let at = next++; at < count; at = next++) await work(at)
    }),
  )
}

describe('a JWKS endpoint', () => {
  it('F53: is asked once with GET for however many, and once in 30 s for unknown keys', async () => {
    const methods = new Set<string>()
    const rig = await start((request, response) => {
      methods.add(request.method ?? '')
      setTimeout(() => response.end(keySet), 50)
    })
    const statuses = new Map<string, Set<number>>()
    const note = (kind: string, status: number): void => {
      statuses.set(kind, new Set([...(statuses.get(kind) ?? []), status]))
    }
    const startedAt = performance.now()
    const flood = (): Promise<void> =>
      waves(1_000, async (at) => {
        if (at % 10 === 0) note('known', await rig.send('one'))
        else note('unknown', await rig.send(`nobody-${at}`))
      })
    await flood()
    expect(rig.fetches()).toBe(1)
    rig.clock.at += 30_000
    await flood()
    const rate = 2_000 / ((performance.now() - startedAt) / 1_000)
    console.info(`F53: ${rig.fetches()} fetches, 2,000 requests, ${rate.toFixed(0)}/s`)
    expect(rig.fetches()).toBe(2)
    expect(methods).toEqual(new Set(['GET']))
    expect(statuses).toEqual(
      new Map([
        ['known', new Set([202])],
        ['unknown', new Set([401])],
      ]),
    )
  })

  it('F53: that sends elsewhere is not followed', async () => {
    let inside = 0
    const internal = await listen((_, response) => {
      inside += 1
      response.end(keySet)
    })
    const rig = await start((_, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${internal}/` }).end(keySet)
    })
    expect(await rig.send('one')).toBe(503)
    expect([rig.fetches(), inside]).toEqual([1, 0])
    expect(await rig.stored()).toEqual([])
  })

  it.each<[string, RequestListener]>([
    ['answers 5 MB', (_, response) => response.end(`${keySet}${' '.repeat(5_000_000)}`)],
    ['answers without an end', (_, response) => void response.write(keySet.slice(0, 50))],
    ['answers an error', (_, response) => void response.writeHead(500).end(keySet)],
    ['hangs up', (request) => void request.socket.destroy()],
    ['says nothing', () => undefined],
  ])('F53: that %s gives no key, and is left alone for 30 s', async (_, listener) => {
    const rig = await start(listener, 300)
    for (let n = 0; n < 20; n += 1) expect(await rig.send('one')).toBe(503)
    expect(rig.fetches()).toBeLessThanOrEqual(1)
    expect(await rig.stored()).toEqual([])
  })

  it('F53: that drips holds up nobody whose key is known', async () => {
    let drips = false
    const rig = await start((_, response) => {
      if (!drips) return void response.end(keySet)
      response.writeHead(200)
      const drip = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(drip))
    }, 2_000)
    expect(await rig.send('one')).toBe(202)
    drips = true
    rig.clock.at += 30_000
    const unknown = rig.send('nobody')
    await expect.poll(rig.fetches).toBe(2)
    const startedAt = performance.now()
    for (let n = 0; n < 10; n += 1) expect(await rig.send('one')).toBe(202)
    const tookMs = performance.now() - startedAt
    expect(await unknown).toBe(401)
    expect(performance.now() - startedAt).toBeGreaterThan(tookMs)
  })
})
