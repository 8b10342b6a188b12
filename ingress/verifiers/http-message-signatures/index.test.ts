import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { generateKeys } from '../keys.ts'
import { presetNamed } from '../settings.ts'
import { signRequest } from '../sign.ts'
import { now, url, verdict, verifyWith } from '../testing.ts'
import type { Draft } from '../types.ts'
import { byteSequences, innerLists } from './fields.ts'

const preset = presetNamed('http-message-signatures')
const secret = 'a-shared-secret-as-text'
const body = '{"type":"order.created"}'
const signed = (key: string = secret): Draft =>
  signRequest(preset, { secret: key, body, url, now, id: 'nonce-1' })

const check = async (
  sketch: Draft,
  settings: Record<string, unknown> = {},
  secrets: readonly string[] = [secret],
) => verdict(await verifyWith({ provider: preset.name, verify: settings, secrets }, sketch))

const edited = (draft: Draft, name: string, edit: (value: string) => string): Draft => ({
  ...draft,
  headers: draft.headers.map(
    ([each, value]) => [each, each === name ? edit(value) : value] as const,
  ),
})

describe('RFC 9421', () => {
  it.each(['ed25519', 'p256', 'rsa'] as const)('verifies with a public key: %s', async (kind) => {
    const { signing, verifying } = generateKeys(kind)
    expect(await check(signed(signing), {}, [verifying])).toBe('accepted')
    expect(await check(signed(signing), {}, [generateKeys(kind).verifying])).toBe(
      'mismatch: signature',
    )
  })

  it('takes a public key for no shared secret', async () => {
    const { verifying } = generateKeys('ed25519')
    expect(await check(signed(Buffer.from(verifying).toString('base64')), {}, [verifying])).toBe(
      'mismatch: signature',
    )
  })

  it('covers method, URL and body', async () => {
    const draft = signed()
    expect(await check({ ...draft, method: 'PUT' })).toBe('mismatch: signature')
    expect(await check({ ...draft, url: `${url}1` })).toBe('mismatch: signature')
    expect(await check({ ...draft, body: Buffer.from('{}') })).toBe('mismatch: content-digest')
    const digest = createHash('sha256').update('{}').digest('base64')
    const both = edited(draft, 'content-digest', () => `sha-256=:${digest}:`)
    expect(await check({ ...both, body: Buffer.from('{}') })).toBe('mismatch: signature')
  })

  it('reads no more components than a sender could mean', async () => {
    const many = Array.from({ length: 300 }, (_, index) => ` "@query-param";name="p${index}"`)
    const draft = edited(signed(), 'signature-input', (value) =>
      value.replace(')', `${many.join('')})`),
    )
    expect(await check(draft)).toBe('malformed: more than 32 components')
  })

  it('says whether the body is covered, and can insist', async () => {
    const key =
      'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=='
    const vector = {
      method: 'POST',
      url: 'https://example.com/foo',
      headers: {
        date: 'Tue, 20 Apr 2021 02:07:55 GMT',
        'content-type': 'application/json',
        'signature-input':
          'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
        signature: 'sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:',
      },
      body: '{"hello": "world"}',
    }
    const options = { provider: preset.name, secrets: [key] }
    const at = 1_618_884_473_000
    expect(await verifyWith(options, vector, at)).toMatchObject({ ok: true, bodyCovered: false })
    const strict = { ...options, verify: { require: ['content-digest'] } }
    expect(verdict(await verifyWith(strict, vector, at))).toBe(
      'malformed: component content-digest is not covered',
    )
    expect(await check(signed(), { require: ['@method', 'content-digest'] })).toBe('accepted')
  })

  it.each([
    [
      'an algorithm that the key cannot do',
      (text: string) => text.replace('hmac-sha256', 'ed25519'),
      'mismatch: signature',
    ],
    ['no time', (text: string) => text.replace(/;created=\d+/, ''), 'mismatch: signature'],
    ['another nonce', (text: string) => text.replace('nonce-1', 'nonce-2'), 'mismatch: signature'],
    [
      'an unknown derived component',
      (text: string) => text.replace('@method', '@status'),
      'malformed: component @status',
    ],
    [
      'a component twice',
      (text: string) => text.replace('"@method"', '"@method" "@method"'),
      'malformed: component @method',
    ],
    [
      'a component of the request',
      (text: string) => text.replace('"@method"', '"@method";req'),
      'malformed: component @method',
    ],
    [
      'an absent header',
      (text: string) => text.replace('"@method"', '"x-absent"'),
      'missing: component x-absent',
    ],
    [
      'two members of one label',
      (text: string) => `${text}, ${text}`,
      'malformed: header signature-input',
    ],
    [
      'a label without signature',
      (text: string) => text.replace('sig1', 'sig2'),
      'missing: signature of a label',
    ],
    ['no dictionary', () => '("@method")', 'malformed: header signature-input'],
    ['text cut short', (text: string) => text.slice(0, 20), 'malformed: header signature-input'],
  ])('refuses %s', async (_, edit, expected) => {
    expect(await check(edited(signed(), 'signature-input', edit))).toBe(expected)
  })

  it('wants the time that was signed, and heeds an end', async () => {
    const times = async (from: string, to: string) => {
      const draft = signed()
      return check(edited(draft, 'signature-input', (text) => text.replace(from, to)))
    }
    expect(await times('created=1760000000', 'created=1750000000')).toBe('mismatch: signature')
    expect(await times('created=1760000000', 'created="1760000000"')).toBe('mismatch: signature')
  })
})

describe('structured fields', () => {
  it('are read strictly', () => {
    expect([...(byteSequences('a=:AQI=:, b=:Aw==:;x=1') ?? [])].map(([name]) => name)).toEqual([
      'a',
      'b',
    ])
    for (const text of [
      '',
      'a',
      'a=',
      'a=1',
      'a=:AQI=',
      'A=:AQI=:',
      'a=:AQI=:,',
      'a=:AQI=: b=:Aw==:',
    ])
      expect(byteSequences(text)).toBeUndefined()
    for (const text of ['a=()', 'a=("x" "y";name="z");created=1', 'a=( "x" )'])
      expect(innerLists(text)?.has('a')).toBe(true)
    for (const text of [
      'a=(',
      'a=("x"',
      'a=("x""y")',
      'a=("x");created=1.5',
      'a=("x");created=1;created=2',
      'a=(x\n)',
    ])
      expect(innerLists(text)).toBeUndefined()
  })

  it('are read in a time that grows with their length', () => {
    const started = performance.now()
    innerLists(`a=(${'"x" '.repeat(2_000)}`)
    byteSequences(`a=:${'A'.repeat(8_000)}`)
    expect(performance.now() - started).toBeLessThan(200)
  })
})
