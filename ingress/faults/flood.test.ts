import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { createLogger } from '../../core/telemetry/index.ts'
import { genuineHeaders, makeSource, verifierOf } from '../testing/fakes.ts'
import { type Over, post, raw, type Started, startIngress } from '../testing/harness.ts'
import { sendDraft } from '../testing/send.ts'
import type { Draft } from '../verifiers/types.ts'

const open: Started[] = []
afterEach(async () => {
  for (const started of open.splice(0)) await started.close()
})
const start = async (
  over: Over = {},
  sources = [makeSource(), makeSource({ name: 'other' })],
): Promise<Started> => {
  const started = await startIngress(sources, over)
  open.push(started)
  return started
}

const body = '{"n":1}'
const path = 'http://x/in/acme/github'
const draft = (text: string, headers: Readonly<Record<string, string>>, url = path): Draft => ({
  method: 'POST',
  url,
  headers: Object.entries(headers),
  body: Buffer.from(text),
})
const forged = (text: string, delivery: string, more: Readonly<Record<string, string>> = {}) =>
  draft(text, {
    ...genuineHeaders('', delivery),
    'x-hub-signature-256': `sha256=${'0'.repeat(64)}`,
    ...more,
  })
const big = 'x'.repeat(200_000)
const floods = 2_000

const waves = async (count: number, work: (at: number) => Promise<void>): Promise<void> => {
  let next = 0
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (let at = next++; at < count; at = next++) await work(at)
    }),
  )
}

describe('a flood of bad signatures', () => {
  it('F62: burns no nonce, fills no store, and its big bodies are soon not even read', {
    timeout: 90_000,
  }, async () => {
    let verifiedBig = 0
    const inner = verifierOf(makeSource())
    const { port, kv, stored } = await start({
      verifierFor: async () => ({
        ...inner,
        verify(request, now) {
          if (request.body.length > 100_000) verifiedBig += 1
          return inner.verify(request, now)
        },
      }),
    })
    const statuses: Record<string, number> = {}
    const startedAt = performance.now()
    await waves(floods, async (at) => {
      const { status } = await sendDraft(port, forged(at % 10 === 0 ? big : body, 'the-real-one'))
      statuses[status] = (statuses[status] ?? 0) + 1
    })
    const rate = floods / ((performance.now() - startedAt) / 1_000)
    console.info(
      `F62: ${rate.toFixed(0)}/s, ${JSON.stringify(statuses)}, ${verifiedBig} of ${floods / 10} big bodies hashed`,
    )
    expect(Object.keys(statuses).sort()).toEqual(['401', '429'])
    expect(verifiedBig).toBeLessThan(100)
    expect([kv.calls, kv.map.size]).toEqual([0, 0])
    expect(await stored()).toEqual([])
    const real = await sendDraft(port, draft(body, genuineHeaders(body, 'the-real-one')))
    expect([real.status, real.body]).toEqual([202, expect.not.stringContaining('duplicate')])
  })

  it.each([
    ['of no media type', { 'content-type': 'x' }, 'a', 415],
    ['with a coding that nobody asked for', { 'content-encoding': 'gzip' }, 'a', 415],
    ['too large', { 'content-type': 'application/json' }, 'a'.repeat(2_000), 413],
  ])('F62: stop a flood of what is %s, but not the sender', async (_, headers, junk, status) => {
    const source = makeSource({ rateLimit: { perSecond: 1, burst: 30 }, maxBody: 1_000 })
    const { url } = await start({ failures: { perSecond: 1, burst: 10 } }, [source])
    const statuses = new Set<number>()
    for (let n = 0; n < 40; n += 1)
      statuses.add((await post(`${url}/in/acme/github`, junk, headers)).status)
    // What is compressed may be big: nobody looks at it any more once its sender is known for junk.
    expect([...statuses]).toEqual('content-encoding' in headers ? [status, 429] : [status])
    const response = await post(`${url}/in/acme/github`, body, genuineHeaders(body, 'real'))
    expect(response.status).toBe(202)
  })

  it('F62: over many sources and unknown paths counts for its address too', async () => {
    const { port } = await start({ failuresAnywhere: { perSecond: 1, burst: 20 } })
    for (let n = 0; n < 30; n += 1)
      expect((await sendDraft(port, draft(body, {}, `http://x/in/t${n}/s`))).status).toBe(404)
    expect((await sendDraft(port, forged(big, 'd'))).status).toBe(429)
    const other = draft(body, genuineHeaders(body), 'http://x/in/acme/other')
    expect((await sendDraft(port, other)).status).toBe(202)
  })

  it('F62, F72: behind a trusted proxy is one client; what claims to be one is not believed', async () => {
    const via = (client: string) => ({ 'x-forwarded-for': client })
    // As by default, but nothing comes back while a slow machine sends.
    const failures = { perSecond: 0.01, burst: 50 }
    const { port } = await start({ failures, server: { trustedProxies: ['127.0.0.0/8'] } })
    const failed = async (client: string): Promise<number> =>
      (await sendDraft(port, forged(big, 'd', via(client)))).status
    for (let n = 0; n < 60; n += 1) await failed('198.51.100.1')
    expect(await failed('198.51.100.1')).toBe(429)
    expect(await failed('6.6.6.6, 198.51.100.1')).toBe(429)
    expect(await failed('198.51.100.2')).toBe(401)

    const plain = await start({ failures })
    for (let n = 0; n < 60; n += 1)
      await sendDraft(plain.port, forged(big, 'd', via(`198.51.100.${n}`)))
    expect((await sendDraft(plain.port, forged(big, 'd', via('1.1.1.1')))).status).toBe(429)
  })
})

/** C0, DEL and C1: what a terminal acts upon. */
const isControl = (character: string): boolean => {
  const code = character.charCodeAt(0)
  return code < 0x20 || (code >= 0x7f && code <= 0x9f)
}

describe('log and metrics', () => {
  it('F77: hold no line and no label that a request made', { timeout: 60_000 }, async () => {
    const lines: string[] = []
    const logger = createLogger({ level: 'debug', write: (line) => lines.push(line) })
    const started = await start({ logger })
    const { port, metrics } = started
    const nasty = '\u001b[31mcanary\u001b[0m \u009b31m {"level":"error"}\t\u007f'
    const send = (at: number): Promise<unknown> => {
      const text = JSON.stringify({ action: `${nasty}\r\n${at}`, n: at })
      const kinds: readonly (() => Promise<unknown>)[] = [
        () => sendDraft(port, forged(text, `id-${at}`)),
        () => sendDraft(port, draft(text, { 'user-agent': `agent-${at}` }, `http://x/in/t${at}/s`)),
        () =>
          sendDraft(port, draft(text, {}, `http://x/in/acme/${encodeURIComponent(nasty)}${at}`)),
        () => sendDraft(port, draft(text, genuineHeaders(text, `id-${at}`))),
        () => raw(port, `G${at} /${at} HTTP/1.1\r\nHost: x\r\n\r\n`, 500),
      ]
      return kinds[at % kinds.length]?.() ?? Promise.resolve()
    }
    const size = async (): Promise<number> => (await metrics.registry.metrics()).split('\n').length
    await waves(100, async (at) => void (await send(at)))
    const before = await size()
    await waves(2_000, async (at) => void (await send(at + 100)))
    expect(await size()).toBe(before)
    const text = await metrics.registry.metrics()
    for (const canary of ['id-', 'agent-', '\u001b', 'canary']) expect(text).not.toContain(canary)
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) {
      expect(line.endsWith('\n')).toBe(true)
      expect([...line.slice(0, -1)].filter(isControl)).toEqual([])
      expect(JSON.parse(line)).toHaveProperty('level')
    }
    for (const { headers } of await started.stored())
      expect(headers.type).toMatch(/^[\x21-\x7e]{1,120}$/)
  })
})

const limits = {
  body: { deadlineMs: 3_000, graceMs: 500, minBytesPerSecond: 1_000 },
  server: { headersTimeoutMs: 1_500, requestTimeoutMs: 4_000, keepAliveTimeoutMs: 2_500 },
} as const

const head = (more: string): string => {
  const fields = Object.entries(genuineHeaders(body)).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `POST /in/acme/github HTTP/1.1\r\nHost: x\r\n${fields.join('')}${more}`
}

interface Slow {
  socket: Socket
  text: string
  closed: boolean
}

describe('slow senders', () => {
  it('F73: by the thousand are cut off in time, and hold up nobody', {
    timeout: 120_000,
  }, async () => {
    const { port } = await start(limits)
    const byDefault = await start()
    const slow: Slow[] = []
    const timers: NodeJS.Timeout[] = []
    const dial = (at: number, begin: (socket: Socket) => void): Promise<Slow> =>
      new Promise((resolve, reject) => {
        const socket = connect({ port: at, host: '127.0.0.1', allowHalfOpen: true })
        const one: Slow = { socket, text: '', closed: false }
        socket.on('data', (chunk: Buffer) => {
          one.text += chunk.toString('latin1')
        })
        socket.on('close', () => {
          one.closed = true
        })
        // A server that ends its side is done with us.
        socket.on('end', () => socket.end())
        socket.once('error', reject)
        socket.once('connect', () => {
          socket.off('error', reject)
          socket.on('error', () => undefined)
          begin(socket)
          slow.push(one)
          resolve(one)
        })
      })
    const drip = (socket: Socket, byte: string): void => {
      timers.push(setInterval(() => void (socket.writable && socket.write(byte)), 200))
    }
    const kinds: Readonly<Record<string, (socket: Socket) => void>> = {
      'head that drips': (socket) => {
        socket.write('POST /in/acme/github HTTP/1.1\r\nHost: x\r\nX-A: ')
        drip(socket, 'a')
      },
      'body that drips': (socket) => {
        socket.write(head('Content-Length: 5000\r\n\r\n'))
        drip(socket, 'x')
      },
      'body that stalls after a fast start': (socket) => {
        socket.write(head(`Content-Length: 500000\r\n\r\n${'x'.repeat(100_000)}`))
      },
      'kept alive and idle': (socket) => {
        socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
      },
      'never a word': () => undefined,
      'half closed in the middle': (socket) => {
        socket.end(head('Content-Length: 500\r\n\r\nhalf'))
      },
    }
    const healthy = async (count: number): Promise<number> => {
      const times: number[] = []
      for (let n = 0; n < count; n += 1) {
        const text = JSON.stringify({ n, at: performance.now() })
        const reply = await sendDraft(port, draft(text, genuineHeaders(text)))
        expect(reply.status).toBe(202)
        times.push(reply.tookMs)
      }
      return times.sort((a, b) => a - b)[Math.floor(count * 0.95)] ?? Number.NaN
    }
    await healthy(50)
    const before = await healthy(100)
    const rssBefore = process.memoryUsage().rss
    const patient = await dial(byDefault.port, kinds['head that drips'] ?? (() => undefined))
    const patientFrom = performance.now()
    const each = 170
    for (let n = 0; n < each; n += 1)
      await Promise.all(Object.values(kinds).map((begin) => dial(port, begin)))
    const during = await healthy(200)
    try {
      const here = slow.filter((one) => one !== patient)
      await expect
        .poll(() => here.filter(({ closed }) => !closed).length, { timeout: 30_000, interval: 100 })
        .toBe(0)
      const grownMb = (process.memoryUsage().rss - rssBefore) / 1e6
      const answers: Record<string, number> = {}
      for (const { text } of here) {
        const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 'none'
        answers[status] = (answers[status] ?? 0) + 1
      }
      console.info(
        `F73: ${here.length} slow senders, ${JSON.stringify(answers)}; P95 of others ${before.toFixed(1)} ms before, ${during.toFixed(1)} ms during; ${grownMb.toFixed(0)} MB more`,
      )
      expect(answers['408']).toBeGreaterThanOrEqual(3 * each)
      expect(answers['200']).toBe(each)
      expect(during).toBeLessThan(Math.max(100, before * 10))
      expect(grownMb).toBeLessThan(150)
      await healthy(20)
      // What is not configured otherwise: a head may take ten seconds.
      await expect.poll(() => patient.closed, { timeout: 20_000, interval: 50 }).toBe(true)
      const tookMs = performance.now() - patientFrom
      expect(tookMs).toBeGreaterThan(9_000)
      expect(tookMs).toBeLessThan(13_000)
      expect(patient.text).toMatch(/^HTTP\/1\.1 408 /)
    } finally {
      for (const timer of timers) clearInterval(timer)
      for (const { socket } of slow) socket.destroy()
    }
  })

  it('F73: take no more connections than one address may have', async () => {
    const { port } = await start({ server: { maxConnectionsPerAddress: 5 } })
    const sockets = Array.from({ length: 12 }, () => connect(port, '127.0.0.1'))
    let closed = 0
    for (const socket of sockets)
      socket.on('error', () => undefined).on('close', () => (closed += 1))
    await expect.poll(() => closed).toBe(7)
    for (const socket of sockets) socket.destroy()
    await expect
      .poll(async () =>
        /^HTTP\/1\.1 200/.test(
          await raw(port, 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 500),
        ),
      )
      .toBe(true)
    await sleep(0)
  })
})
