import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { genuineHeaders, makeSource } from './testing/fakes.ts'
import { raw, type Started, startIngress } from './testing/harness.ts'

let started: Started
beforeEach(async () => {
  started = await startIngress([makeSource({ maxBody: 100_000 })], {
    body: { deadlineMs: 800, graceMs: 300, minBytesPerSecond: 1_000 },
    server: { headersTimeoutMs: 700, requestTimeoutMs: 2_000 },
  })
})
afterEach(() => started.close())

const body = '{"n":1}'
const fields = (): string =>
  Object.entries(genuineHeaders(body))
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
const genuine = (extra = '', line = 'POST /in/acme/github HTTP/1.1'): string =>
  `${line}\r\nHost: x\r\n${fields()}${extra}`
const length = `Content-Length: ${body.length}\r\n`
const second = 'GET /healthz HTTP/1.1\r\nHost: second\r\n\r\n'
const chunked = `7\r\n${body}\r\n0\r\n\r\n`

const statusesOf = (text: string): string[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status ?? '')

describe('F71: requests that two readers could take differently', () => {
  it.each([
    [
      'Content-Length beside Transfer-Encoding',
      genuine(`${length}Transfer-Encoding: chunked\r\n\r\n${chunked}`),
    ],
    [
      'Transfer-Encoding beside Content-Length',
      genuine(`Transfer-Encoding: chunked\r\n${length}\r\n${chunked}`),
    ],
    ['two Content-Length', genuine(`${length}Content-Length: 0\r\n\r\n${body}`)],
    ['two equal Content-Length', genuine(`${length}${length}\r\n${body}`)],
    ['a signed Content-Length', genuine(`Content-Length: +7\r\n\r\n${body}`)],
    ['a list of Content-Length', genuine(`Content-Length: 7, 7\r\n\r\n${body}`)],
    ['two Host', genuine(`Host: y\r\n${length}\r\n${body}`)],
    ['gzip, chunked', genuine(`Transfer-Encoding: gzip, chunked\r\n\r\n${chunked}`)],
    [
      'chunked twice',
      genuine(`Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`),
    ],
    ['chunked, identity', genuine(`Transfer-Encoding: chunked, identity\r\n\r\n${chunked}`)],
    ['xchunked', genuine(`Transfer-Encoding: xchunked\r\n\r\n${chunked}`)],
    ['a space before the colon', genuine(`Content-Length : 7\r\n\r\n${body}`)],
    ['a folded field', genuine(`X-A: b\r\n c\r\n${length}\r\n${body}`)],
    ['bare line feeds', genuine(`${length}\r\n${body}`).replaceAll('\r\n', '\n')],
    ['a null byte', genuine(`X-A: b\0c\r\n${length}\r\n${body}`)],
    ['no Host', genuine(`${length}\r\n${body}`).replace('Host: x\r\n', '')],
    [
      'an absolute target',
      genuine(`${length}\r\n${body}`, 'POST http://evil/in/acme/github HTTP/1.1'),
    ],
    [
      'chunked in HTTP/1.0',
      genuine(`Transfer-Encoding: chunked\r\n\r\n${chunked}`, 'POST /in/acme/github HTTP/1.0'),
    ],
    ['a broken chunk', genuine(`Transfer-Encoding: chunked\r\n\r\nzz\r\n${body}\r\n`)],
    ['no HTTP at all', 'EHLO example.org\r\n\r\n'],
  ])(
    '%s: 400 as a problem, the connection ends, and what follows is not seen',
    async (_, bytes) => {
      const text = await raw(started.port, bytes + second)
      expect(statusesOf(text)).toEqual(['400'])
      expect(text.toLowerCase()).toContain('connection: close')
      expect(text).toContain('application/problem+json')
      expect(text).toContain('"code":"ZENHOOK_INGRESS_MALFORMED"')
      expect(await started.stored()).toEqual([])
    },
  )

  it('leave honest pipelining alone', async () => {
    const text = await raw(started.port, genuine(`${length}\r\n${body}`) + second, 600)
    expect(statusesOf(text)).toEqual(['202', '200'])
  })

  it('two signatures are two senders: 401', async () => {
    const text = await raw(
      started.port,
      genuine(`X-Hub-Signature-256: sha256=00\r\n${length}\r\n${body}`),
      600,
    )
    expect(statusesOf(text)).toEqual(['401'])
  })
})

describe('sizes and times', () => {
  it('F68: header fields of more than 16 KiB are 431', async () => {
    const text = await raw(
      started.port,
      genuine(`X-A: ${'a'.repeat(17_000)}\r\n${length}\r\n${body}`),
    )
    expect(statusesOf(text)).toEqual(['431'])
    expect(text).toContain('"code":"ZENHOOK_INGRESS_HEADERS_TOO_LARGE"')
  })

  it('F68: a body of unsaid length is 411', async () => {
    expect(statusesOf(await raw(started.port, genuine('\r\n')))).toEqual(['411'])
  })

  it('F70: a declared length over the limit is 413 before the body comes', async () => {
    const text = await raw(started.port, genuine('Content-Length: 999999999\r\n\r\nx'))
    expect(statusesOf(text)).toEqual(['413'])
  })

  it('F70: an endless chunked body is 413, and costs no more memory than the limit', async () => {
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
    const text = await raw(
      started.port,
      genuine(`Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(40)}`),
    )
    expect(statusesOf(text)).toEqual(['413'])
  })

  it('F70, F73: a body that does not come is 408', async () => {
    const text = await raw(started.port, genuine(`Content-Length: 500\r\n\r\n${body}`))
    expect(statusesOf(text)).toEqual(['408'])
    expect(text).toContain('"code":"ZENHOOK_INGRESS_TIMEOUT"')
  })

  it('F73: a body that drips is 408, while others are answered', async () => {
    const socket = connect(started.port, '127.0.0.1')
    let text = ''
    socket.on('data', (data) => {
      text += data
    })
    socket.on('error', () => {})
    socket.write(genuine('Content-Length: 5000\r\n\r\n'))
    const drip = setInterval(() => socket.write('x'), 50)
    const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()))
    expect((await fetch(`${started.url}/healthz`)).status).toBe(200)
    await ended
    clearInterval(drip)
    expect(statusesOf(text)).toEqual(['408'])
  })

  it('F73: a head that does not end is 408', async () => {
    const text = await raw(started.port, 'POST /in/acme/github HTTP/1.1\r\nHost: x\r\nX-A: ', 5_000)
    expect(statusesOf(text)).toEqual(['408'])
  })

  it('F68: 100-continue is told to go on only when the body is wanted', async () => {
    const wanted = await raw(
      started.port,
      genuine(`Expect: 100-continue\r\n${length}\r\n${body}`),
      600,
    )
    expect(statusesOf(wanted)).toEqual(['100', '202'])
    const unwanted = await raw(
      started.port,
      genuine('Expect: 100-continue\r\nContent-Length: 200000\r\n\r\n'),
    )
    expect(statusesOf(unwanted)).toEqual(['413'])
    const other = await raw(started.port, genuine(`Expect: magic\r\n${length}\r\n${body}`))
    expect(statusesOf(other)).toEqual(['417'])
  })

  it('F68: a sender that leaves in the middle stores nothing and breaks nothing', async () => {
    const socket = connect(started.port, '127.0.0.1')
    socket.write(genuine('Content-Length: 500\r\n\r\nhalf'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    socket.destroy()
    expect((await fetch(`${started.url}/healthz`)).status).toBe(200)
    expect(await started.stored()).toEqual([])
  })
})

describe('what a request claims of itself', () => {
  it('F72: does not change where it is from or for', async () => {
    const lies =
      'X-Forwarded-Host: globex\r\nX-Forwarded-For: 1.2.3.4\r\nX-Tenant: globex\r\nX-HTTP-Method-Override: GET\r\nX-Request-Id: <script>\r\n'
    const text = await raw(started.port, genuine(`${lies}${length}\r\n${body}`), 600)
    expect(statusesOf(text)).toEqual(['202'])
    expect(text).not.toContain('<script>')
    const [record] = await started.stored()
    expect(record?.headers).toMatchObject({ tenant: 'acme', source: 'github' })
  })
})

describe('closing', () => {
  it('answers what is under way, keeps no connection, and takes no new one', async () => {
    started.log.mode = 'late'
    const under = raw(started.port, genuine(`${length}\r\n${body}`))
    await expect.poll(() => started.log.calls).toBe(1)
    const closing = started.ingress.close(2_000)
    started.log.release()
    expect(statusesOf(await under)).toEqual(['202'])
    await closing
    await expect(fetch(`${started.url}/healthz`)).rejects.toThrow()
  })
})
