import { describe, expect, it, vi } from 'vitest'
import type { Preset, PresetScheme, Sample } from '../providers/preset.ts'
import { isForm, rewritten, valueAt } from './body.ts'
import { createVerifier } from './create.ts'
import { bindScheme } from './settings.ts'
import { draftOf, generateSecrets, signRequest } from './sign.ts'
import { withHeader } from './signing.ts'
import type { Draft, Genuine, SecretPair, Verified } from './types.ts'
import { splitUrl } from './view.ts'

const now = 1_760_000_000_000
const url = 'https://hooks.example.com/in/acme/source?room=1'
const encoder = new TextEncoder()

type Headers = Draft['headers']

interface Bench {
  readonly preset: Preset
  readonly scheme: PresetScheme
  readonly sample: Sample
  readonly pair: SecretPair
  /** Headers that signing adds. */
  readonly added: readonly string[]
  /** Where the body carries the signature, if it does. */
  readonly carried: string | undefined
  readonly toleranceMs: number | undefined
  signed(at?: number, secret?: string, body?: Uint8Array): Draft
  verify(draft: Draft, secrets?: readonly string[]): Promise<Verified>
}

const carriedBy = (scheme: PresetScheme): string | undefined => {
  const { verify } = scheme
  if (verify.scheme === 'sns') return 'Signature'
  if (verify.scheme === 'adyen')
    return 'notificationItems.0.NotificationRequestItem.additionalData.hmacSignature'
  return typeof verify.signatureBody === 'string' ? verify.signatureBody : undefined
}

const has = (names: Headers, wanted: string): boolean =>
  names.some(([name]) => name.toLowerCase() === wanted)

const sampleFor = ({ samples }: Preset, { signs, name }: PresetScheme): Sample => {
  const fits = samples.find(({ body, contentType = 'application/json' }) => {
    if (name === 'json') return typeof body !== 'string'
    if (signs?.withoutBody !== undefined) return valueAt(body, 'type') !== undefined
    return !signs?.contentType || contentType.startsWith(signs.contentType)
  })
  return fits ?? samples[0]
}

const bench = (preset: Preset, scheme: PresetScheme): Bench => {
  const sample = sampleFor(preset, scheme)
  const pair = generateSecrets(preset, scheme.name)
  const { body, headers = {}, method } = draftOf(sample)
  const signed = (at = now, secret = pair.signing, bytes?: Uint8Array): Draft =>
    signRequest(preset, {
      secret,
      body: bytes ?? body,
      headers,
      url,
      now: at,
      scheme: scheme.name,
      ...(method !== undefined && { method }),
    })
  const config: unknown = bindScheme(scheme.verify).config
  const tolerance = valueAt(config, 'tolerance')
  const templated = ['hmac', 'ed25519', 'ecdsa', 'rsa'].includes(scheme.verify.scheme)
  const timed = !templated || valueAt(config, 'timestamp.unit') !== undefined
  return {
    preset,
    scheme,
    sample,
    pair,
    signed,
    added: signed()
      .headers.map(([name]) => name.toLowerCase())
      .filter((name) => !has(Object.entries(headers), name)),
    carried: carriedBy(scheme),
    toleranceMs: tolerance !== undefined && timed ? Number(tolerance) : undefined,
    verify: (draft, secrets = [pair.verifying]) =>
      createVerifier({ provider: preset.name, secrets }).verify(
        { ...draft, ...splitUrl(draft.url) },
        now,
      ),
  }
}

const refusedFor = (verified: Verified): string => (verified.ok ? 'accepted' : verified.reason)

const genuine = (verified: Verified): Genuine => {
  if (verified.ok) return verified
  throw new Error(`refused: ${verified.reason} at ${verified.step}`)
}

const without = (draft: Draft, name: string): Draft => ({
  ...draft,
  headers: draft.headers.filter(([each]) => each.toLowerCase() !== name),
})

const headerOf = (draft: Draft, name: string): string =>
  draft.headers.find(([each]) => each.toLowerCase() === name)?.[1] ?? ''

const withBody = (draft: Draft, body: Uint8Array): Draft => ({ ...draft, body })

const appended = (draft: Draft): Uint8Array =>
  Buffer.concat([
    draft.body,
    encoder.encode(isForm(headerOf(draft, 'content-type')) ? '&x=1' : ' '),
  ])

/** The draft with its signed time moved by a second, and nothing else changed. */
const retimed = ({ scheme, signed }: Bench): Draft => {
  const draft = signed()
  const later = signed(now + 1_000)
  const settings = scheme.verify.timestamp as Readonly<Record<string, string>> | undefined
  if (settings?.header !== undefined)
    return withHeader(draft, settings.header, headerOf(later, settings.header))
  if (settings?.body !== undefined) {
    const value = valueAt(JSON.parse(Buffer.from(later.body).toString()), settings.body)
    return withBody(draft, rewritten(draft.body, { [settings.body]: Number(value) }))
  }
  if (settings?.key !== undefined) {
    const name = String(scheme.verify.header)
    const header = headerOf(draft, name).replace(
      new RegExp(`${settings.key}=\\d+`),
      `${settings.key}=${now / 1_000 + 1}`,
    )
    return withHeader(draft, name, header)
  }
  if (scheme.verify.scheme === 'standard-webhooks') {
    const name = draft.headers.find(([each]) => each.endsWith('-timestamp'))?.[0] ?? ''
    return withHeader(draft, name, headerOf(later, name))
  }
  if (scheme.verify.scheme === 'sns')
    return withBody(
      draft,
      rewritten(draft.body, { Timestamp: new Date(now + 1_000).toISOString() }),
    )
  const input = headerOf(draft, 'signature-input')
  return withHeader(
    draft,
    'signature-input',
    input.replace(/created=\d+/, `created=${now / 1_000 + 1}`),
  )
}

const types = [
  'application/json',
  'application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded+json',
  'application/x-www-form-urlencoded; charset=utf-8',
  'text/plain',
  'application/octet-stream',
]

const genuineCases = (on: Bench): void => {
  const { preset, scheme, sample, pair, signed, verify } = on
  it('accepts a genuine request, and says what it is and what proves it', async () => {
    const verified = genuine(await verify(signed()))
    expect(verified).toMatchObject({
      type: sample.type,
      secretIndex: 0,
      scheme: scheme.verify.scheme,
    })
    expect(verified.bodyCovered).toBe(scheme.bodyCovered ?? preset.bodyCovered)
    const from = scheme.deliveryId ?? preset.deliveryId
    const idCovered = from !== undefined && (scheme.idCovered ?? preset.idCovered)
    if (verified.deliveryId !== undefined) expect(verified.idCovered).toBe(idCovered)
    expect(verified.nonce).not.toBe('')
    expect(verified.nonceTtlMs).toBeGreaterThan(2 * (verified.toleranceMs ?? 0))
  })

  it('gives a replay the same nonce', async () => {
    const draft = signed()
    const [first, second] = [genuine(await verify(draft)), genuine(await verify(draft))]
    expect(second.nonce).toBe(first.nonce)
  })

  it('F56: gives it whatever type its bytes are sent under, for nobody signs the type', async () => {
    const draft = signed()
    const { nonce, deliveryId } = genuine(await verify(draft))
    for (const type of types) {
      const again = await verify(withHeader(draft, 'content-type', type))
      // A scheme may want its own type.
      if (!again.ok) continue
      expect({ type, nonce: again.nonce }).toEqual({ type, nonce })
      expect(again.deliveryId).toBe(deliveryId)
    }
  })

  it('shows no secret and no signature', async () => {
    const draft = signed()
    for (const each of [await verify(draft), await verify(withBody(draft, appended(draft)))]) {
      const { data: _, ...shown } = each as Genuine
      const text = JSON.stringify(shown)
      expect(text).not.toContain(pair.signing)
      for (const name of on.added.filter((header) => !/id$|timestamp|version/.test(header)))
        expect(text).not.toContain(headerOf(draft, name))
    }
  })

  it('keeps no header that carries a credential', () => {
    for (const name of preset.keep) {
      expect(name).toBe(name.toLowerCase())
      expect(name).not.toMatch(/signature|^authorization$|^cookie$|secret|(?<!idempotency-)token$/)
    }
  })
}

const tamperedCases = (on: Bench): void => {
  const { preset, scheme, signed, verify, toleranceMs } = on
  const bodyCovered = scheme.bodyCovered ?? preset.bodyCovered
  it(`${bodyCovered ? 'refuses' : 'cannot tell'} a tampered body`, async () => {
    const draft = signed()
    const verified = await verify(withBody(draft, appended(draft)))
    expect(refusedFor(verified)).toBe(bodyCovered ? 'mismatch' : 'accepted')
  })

  const from = scheme.deliveryId ?? preset.deliveryId
  if (from && 'header' in from && (scheme.idCovered ?? preset.idCovered))
    it('refuses another delivery id', async () => {
      const verified = await verify(withHeader(signed(), from.header, 'another-id'))
      expect(refusedFor(verified)).toBe('mismatch')
    })
  else if (from && 'header' in from)
    it('takes a delivery id that nothing covers for no more than that', async () => {
      const draft = signed()
      const verified = genuine(await verify(withHeader(draft, from.header, 'another-id')))
      expect(verified).toMatchObject({ deliveryId: 'another-id', idCovered: false })
      expect(verified.nonce).toBe(genuine(await verify(draft)).nonce)
    })

  if (toleranceMs === undefined) return
  it('refuses a tampered time', async () => {
    expect(refusedFor(await verify(retimed(on)))).toBe('mismatch')
  })

  it('accepts to the edge of the tolerance and not beyond it, in the past and in the future', async () => {
    for (const sign of [-1, 1]) {
      expect(refusedFor(await verify(signed(now + sign * toleranceMs)))).toBe('accepted')
      expect(refusedFor(await verify(signed(now + sign * (toleranceMs + 1_000))))).toBe('stale')
    }
  })
}

const secretCases = (on: Bench): void => {
  const { preset, scheme, pair, signed, verify } = on
  const other = generateSecrets(preset, scheme.name)
  it('refuses another secret', async () => {
    expect(refusedFor(await verify(signed(), [other.verifying]))).toBe('mismatch')
  })

  it('accepts every live secret of a rotation, and no removed one', async () => {
    const live = [other.verifying, pair.verifying]
    expect(genuine(await verify(signed(), live)).secretIndex).toBe(1)
    expect(genuine(await verify(signed(now, other.signing), live)).secretIndex).toBe(0)
    expect(refusedFor(await verify(signed(), live.slice(0, 1)))).toBe('mismatch')
  })

  it.each([
    ['no secret', []],
    ['an empty secret', ['']],
    ['a blank secret', ['          ']],
    ['a short secret', ['a1b2c3']],
    ['an empty secret beside a good one', [pair.verifying, '']],
  ])('F65: is not made with %s', (_, secrets) => {
    expect(() => createVerifier({ provider: preset.name, secrets })).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ZENHOOK_VERIFY_/) }),
    )
  })
}

const malformedCases = (on: Bench): void => {
  const { added, carried, scheme, signed, verify } = on
  // A provider that has not always named its version may leave that out.
  const optional = scheme.when?.equals === undefined ? undefined : scheme.when.header
  const isList = scheme.verify.list !== undefined
  for (const name of added) {
    it(`refuses a request without ${name}`, async () => {
      const verified = await verify(without(signed(), name))
      if (name !== optional) expect(verified.ok).toBe(false)
      else if (!verified.ok) expect(verified.reason).toBe('mismatch')
    })

    it(`refuses ${name} twice`, async () => {
      const draft = signed()
      const twice = {
        ...draft,
        headers: [...draft.headers, [name, headerOf(draft, name)] as const],
      }
      // Content-Digest is a list by its own rules, and covered as one.
      const reason = name === 'content-digest' ? 'mismatch' : 'malformed'
      expect(refusedFor(await verify(twice))).toBe(reason)
    })

    it.each(['', ' ', 'x', '=', ',,,', 'sha256=', 'v1=', '\u0000', 'Basic', 'a'.repeat(10_000)])(
      `refuses ${name} that is garbage (%#)`,
      async (value) => {
        expect(refusedFor(await verify(withHeader(signed(), name, value)))).not.toBe('accepted')
      },
    )

    it(`refuses ${name} cut short and drawn long, without throwing`, async () => {
      const draft = signed()
      const value = headerOf(draft, name)
      const cut = [value.slice(0, -1), value.slice(0, 4), `${value}A`]
      const wrong = isList ? cut : [...cut, `${value}${value}`, `${value}, ${value}`]
      for (const each of wrong.filter((text) => text !== value))
        expect(refusedFor(await verify(withHeader(draft, name, each)))).not.toBe('accepted')
    })
  }

  if (carried === undefined) return
  it.each([undefined, '', 'x', 7, null, {}, ['x']])(
    'refuses a body whose signature is garbage (%#)',
    async (value) => {
      const draft = signed()
      const body = rewritten(draft.body, { [carried]: value })
      expect(refusedFor(await verify(withBody(draft, body)))).not.toBe('accepted')
    },
  )
}

const hostile: readonly (readonly [string, Uint8Array])[] = [
  ['no body', new Uint8Array()],
  ['no UTF-8', Uint8Array.from([0xff, 0xfe, 0x00, 0xc3, 0x28])],
  ['deep nesting', encoder.encode('['.repeat(50_000) + ']'.repeat(50_000))],
  [
    'prototypes',
    encoder.encode('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
  ],
  ['duplicate members', encoder.encode('{"type":"a","type":"b","action":{},"event":[]}')],
  [
    'odd types',
    encoder.encode('{"type":{"x":1},"id":[],"event":7,"action":null,"entry":"x","events":{}}'),
  ],
  ['half a document', encoder.encode('{"type":"a"')],
  ['a type of control characters', encoder.encode('{"type":"a\\r\\nx: y","event":"\\u001b[31m"}')],
]

const hostileCases = (on: Bench): void => {
  const { signed, verify } = on
  it.each(hostile)('bears a body with %s', async (_, body) => {
    const draft = signed()
    expect(['accepted', 'missing', 'malformed', 'mismatch', 'stale']).toContain(
      refusedFor(await verify(withBody(draft, body))),
    )
    let own: Draft
    try {
      own = signed(now, on.pair.signing, body)
    } catch {
      // A signature that lives in the body cannot be put into this one.
      return
    }
    const verified = await verify(own)
    if (verified.ok) {
      expect(verified.type).toMatch(/^[\x21-\x7e]{1,120}$/)
      expect(verified.deliveryId ?? 'x').toMatch(/^[\x21-\x7e]+$/)
    } else expect(['missing', 'malformed']).toContain(verified.reason)
    expect(Object.prototype).not.toHaveProperty('polluted')
  })

  if (on.carried !== undefined) return
  it('F55: parses nothing of a body before it is verified', async () => {
    const draft = withHeader(signed(), 'x-padding', '1')
    const secrets = [generateSecrets(on.preset, on.scheme.name).verifying]
    const verifier = createVerifier({ provider: on.preset.name, secrets })
    const parse = vi.spyOn(JSON, 'parse')
    try {
      await verifier.verify({ ...draft, ...splitUrl(draft.url) }, now)
      const body = Buffer.from(draft.body).toString()
      expect(parse.mock.calls.filter(([text]) => text === body)).toEqual([])
    } finally {
      parse.mockRestore()
    }
  })
}

/** What every preset promises, for each of its schemes; its samples are the fixtures. */
export const presetContract = (preset: Preset): void => {
  describe.each(preset.schemes.map((scheme) => [scheme.name, scheme] as const))(
    `F50: ${preset.name}, %s`,
    (_, scheme) => {
      const on = bench(preset, scheme)
      genuineCases(on)
      tamperedCases(on)
      secretCases(on)
      malformedCases(on)
      hostileCases(on)
    },
  )

  describe(`F50: ${preset.name}, samples`, () => {
    it.each(preset.samples.map((sample) => [sample.type, sample] as const))(
      'gives %s its type',
      async (type, sample) => {
        const { signing, verifying } = generateSecrets(preset)
        const draft = signRequest(preset, { ...draftOf(sample), secret: signing, url, now })
        const verifier = createVerifier({ provider: preset.name, secrets: [verifying] })
        const verified = await verifier.verify({ ...draft, ...splitUrl(draft.url) }, now)
        expect(genuine(verified).type).toBe(type)
      },
    )
  })
}
