import { type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import { z } from 'zod'
import { equalBytes } from '../compare.ts'
import { hmacOf } from '../digest.ts'
import { decode } from '../encoding.ts'
import { privateKey, publicKeys } from '../keys.ts'
import { checkStrength, needsSecret, wrongForm } from '../secrets.ts'
import { withHeader } from '../signing.ts'
import { joined } from '../template.ts'
import { duration, parseTime, within } from '../time.ts'
import { type Refused, refuse, type Scheme, type View } from '../types.ts'
import { single } from '../view.ts'

const config = z.strictObject({
  scheme: z.literal('standard-webhooks').describe('Name of the scheme'),
  headers: z
    .array(z.string().min(1).toLowerCase())
    .min(1)
    .default(['webhook', 'svix'])
    .describe(
      'Stems of the headers -id, -timestamp and -signature; the first that is there counts',
    ),
  tolerance: duration.prefault('5m').describe('How far the signed time may lie from ours'),
})

interface Key<K> {
  readonly index: number
  readonly key: K
}

const isPublic = (secret: string): boolean =>
  /^wh[ps]k_/.test(secret) || secret.trimStart().startsWith('-----BEGIN') || secret.startsWith('{')

const symmetric = (secret: string, index: number): Uint8Array => {
  const text = secret.trim().replace(/^whsec_/, '')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw wrongForm(index, 'whsec_ followed by base64')
  return Buffer.from(text, 'base64')
}

const MAX_SIGNATURES = 32

interface Signatures {
  readonly v1: Uint8Array[]
  readonly v1a: Uint8Array[]
}

/** What cannot be read is passed over, like versions that we do not know; a comma after it means two headers in one. */
const signaturesOf = (header: string): Signatures | undefined => {
  const found: Signatures = { v1: [], v1a: [] }
  for (const item of header.split(' ').slice(0, MAX_SIGNATURES)) {
    const [version, text = ''] = item.split(/,(.*)/s)
    if (version !== 'v1' && version !== 'v1a') continue
    const bytes = decode(text, 'base64')
    if (text.endsWith(',')) return undefined
    if (bytes) found[version].push(bytes)
  }
  return found
}

const stemOf = (view: View, stems: readonly string[]): string =>
  stems.find((stem) => view.all(`${stem}-signature`).length > 0) ?? stems[0] ?? 'webhook'

const read = (
  view: View,
  stems: readonly string[],
): { id: string; time: string; header: string } | Refused => {
  const stem = stemOf(view, stems)
  const header = single(view, `${stem}-signature`)
  if (typeof header !== 'string') return header
  const id = single(view, `${stem}-id`)
  if (typeof id !== 'string') return id
  const time = single(view, `${stem}-timestamp`)
  return typeof time === 'string' ? { id, time, header } : time
}

export const standardWebhooks: Scheme<z.infer<typeof config>> = {
  spec: {
    name: 'standard-webhooks',
    kind: 'verifier',
    summary: 'Standard Webhooks 1.0: v1 (HMAC-SHA256) and v1a (Ed25519) over id, time and body',
    status: 'stable',
    config,
    secrets: {
      secrets: {
        description: 'whsec_… (v1), or whpk_… (v1a)',
        required: true,
        many: true,
      },
    },
    reasons: {
      missing: 'One of the three headers is not in the request',
      malformed:
        'A header cannot be read, stands there twice, or names no version we hold a key for',
      mismatch: 'No live secret gives this signature',
      stale: 'The signature is right but its time is outside the tolerance',
    },
    examples: [
      { title: 'As the specification says', yaml: 'verify: { scheme: standard-webhooks }' },
    ],
  },
  prover: (settings, secrets, deps) => {
    needsSecret(secrets)
    const v1: Key<Uint8Array>[] = []
    const v1a: Key<KeyObject>[] = []
    secrets.forEach((secret, index) => {
      checkStrength(secret, index, deps)
      if (isPublic(secret)) {
        v1a.push(...publicKeys(secret, 'ed25519', index).map((key) => ({ index, key })))
        return
      }
      const key = symmetric(secret, index)
      checkStrength(key, index, deps)
      v1.push({ index, key })
    })
    return (view, now) => {
      const signed = read(view, settings.headers)
      if ('ok' in signed) return signed
      const at = parseTime(signed.time, 's')
      if (at === undefined) return refuse('malformed', 'timestamp')
      const signatures = signaturesOf(signed.header)
      if (!signatures) return refuse('malformed', 'signature headers are joined')
      // A request that claims v1a is held to it wherever a key can tell.
      const claimsV1a = signatures.v1a.length > 0 && v1a.length > 0
      if (!claimsV1a && (signatures.v1.length === 0 || v1.length === 0))
        return refuse('malformed', 'signature version')
      const parts = [`${signed.id}.${signed.time}.`, view.request.body]
      let found: { readonly index: number } | undefined
      if (claimsV1a) {
        const data = joined(parts)
        found = v1a.find(({ key }) =>
          signatures.v1a.some((each) => each.length === 64 && verify(null, data, key, each)),
        )
      } else
        found = v1.find(({ key }) => {
          const expected = hmacOf('sha256', key, parts)
          return signatures.v1.some((each) => equalBytes(each, expected))
        })
      if (!found) return refuse('mismatch', claimsV1a ? 'ed25519' : 'hmac')
      if (!within(at, now, settings.tolerance)) return refuse('stale', 'timestamp tolerance')
      return {
        ok: true,
        signed: parts,
        bodyCovered: true,
        secretIndex: found.index,
        toleranceMs: settings.tolerance,
        proven: { id: signed.id },
      }
    }
  },
  sign: ({ headers: [stem = 'webhook'] }, secret, draft, { now, id }) => {
    const time = String(Math.floor(now / 1_000))
    const parts = [`${id}.${time}.`, draft.body]
    const signature = isPublic(secret)
      ? `v1a,${sign(null, joined(parts), privateKey(secret, 'ed25519')).toString('base64')}`
      : `v1,${Buffer.from(hmacOf('sha256', symmetric(secret, 0), parts)).toString('base64')}`
    const headers = [
      [`${stem}-id`, id],
      [`${stem}-timestamp`, time],
      [`${stem}-signature`, signature],
    ] as const
    return headers.reduce((each, [name, value]) => withHeader(each, name, value), draft)
  },
  generate: () => {
    const secret = `whsec_${randomBytes(32).toString('base64')}`
    return { signing: secret, verifying: secret }
  },
}
