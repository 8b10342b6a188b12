import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext, type SecureVersion } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Certified, createAuthority, hasOpenssl } from '../../test/certificates.ts'
import { createEgress } from './index.ts'

const able = hasOpenssl()
if (!able) console.warn('skipped: TLS cases need the openssl command to make certificates')

describe.skipIf(!able)('TLS', () => {
  let folder = ''
  let ca = ''
  const certificates = new Map<string, Certified>()
  const of = (name: string): Certified => certificates.get(name) ?? { key: '', cert: '' }

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'zenhook-tls-'))
    const authority = createAuthority(folder)
    ca = authority.ca
    certificates.set('good', authority.issue('good', 'DNS:good.test'))
    certificates.set('other', authority.issue('other', 'DNS:other.test'))
    certificates.set('expired', authority.issue('expired', 'DNS:good.test', -1))
    certificates.set('self', authority.selfSigned('self', 'DNS:good.test'))
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
        ...of(cert),
        SNICallback: (name, done) => {
          asked.push(name)
          done(null, createSecureContext(of(byName[name] ?? cert)))
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
      ...(trusted ? { ca } : {}),
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
