import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext, type SecureVersion } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEgress } from './index.ts'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
if (!hasOpenssl) console.warn('skipped: TLS cases need the openssl command to make certificates')

describe.skipIf(!hasOpenssl)('TLS', () => {
  let folder = ''
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  }
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')

  const certificate = (name: string, host: string, validity: readonly string[]): void => {
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${host}`,
    )
    execFileSync('sh', ['-c', `printf 'subjectAltName=DNS:${host}' > ${name}.ext`], { cwd: folder })
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-out',
      `${name}.pem`,
      '-extfile',
      `${name}.ext`,
      ...validity,
    )
  }

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'zenhook-tls-'))
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-subj',
      '/CN=test authority',
      '-days',
      '2',
    )
    certificate('good', 'good.test', ['-days', '2'])
    certificate('other', 'other.test', ['-days', '2'])
    certificate('expired', 'good.test', ['-days', '-1'])
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'self.key',
      '-out',
      'self.pem',
      '-subj',
      '/CN=good.test',
      '-addext',
      'subjectAltName=DNS:good.test',
      '-days',
      '2',
    )
  }, 60_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const attempt = async ({
    cert,
    host = 'good.test',
    trusted = true,
    maxVersion,
    byName = {},
  }: {
    cert: string
    host?: string
    trusted?: boolean
    maxVersion?: SecureVersion
    /** Certificates by the name that the client asks for; `cert` for any other. */
    byName?: Readonly<Record<string, string>>
  }) => {
    let served = 0
    const asked: string[] = []
    const server = createServer(
      {
        key: read(`${cert}.key`),
        cert: read(`${cert}.pem`),
        SNICallback: (name, done) => {
          asked.push(name)
          const chosen = byName[name] ?? cert
          done(
            null,
            createSecureContext({ key: read(`${chosen}.key`), cert: read(`${chosen}.pem`) }),
          )
        },
        ...(maxVersion === undefined
          ? {}
          : { maxVersion, minVersion: 'TLSv1' as const, ciphers: 'ALL:@SECLEVEL=0' }),
      },
      (_request, response) => {
        served += 1
        response.end('hello')
      },
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const egress = createEgress({
      grants: ['127.0.0.1'],
      resolver: async () => ['127.0.0.1'],
      ...(trusted ? { ca: read('ca.pem') } : {}),
    })
    const { port } = server.address() as AddressInfo
    try {
      const outcome = await egress
        .request(`https://${host}:${port}/`, { timeoutMs: 5000, allowPrivate: true })
        .then(
          ({ status }) => status,
          (error: unknown) => error,
        )
      return { outcome, served, asked }
    } finally {
      await egress.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }

  it('F84: accepts a valid certificate for the name', async () => {
    expect(await attempt({ cert: 'good' })).toMatchObject({ outcome: 200, served: 1 })
  })

  it('F84: asks for the host by its name, whatever else lives at the address', async () => {
    const shared = { cert: 'other', byName: { 'good.test': 'good' } }
    expect(await attempt(shared)).toEqual({ outcome: 200, served: 1, asked: ['good.test'] })
  })

  it.each([
    ['self-signed', { cert: 'self' }],
    ['of an unknown authority', { cert: 'good', trusted: false }],
    ['for another name', { cert: 'good', host: 'other.test' }],
    ['expired', { cert: 'expired' }],
    ['over TLS 1.0', { cert: 'good', maxVersion: 'TLSv1' as const }],
    ['over TLS 1.1', { cert: 'good', maxVersion: 'TLSv1.1' as const }],
    ['of a neighbour at the address', { cert: 'good', byName: { 'good.test': 'other' } }],
  ])(
    'F84: refuses a certificate %s, even when the environment says otherwise',
    async (_name, options) => {
      const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
      try {
        const { outcome, served } = await attempt(options)
        expect(outcome).toMatchObject({ code: 'ZENHOOK_NET_TLS_REFUSED' })
        expect(served).toBe(0)
      } finally {
        if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
        else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before
      }
    },
  )
})
