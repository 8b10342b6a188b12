import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { ZenhookError } from '../../../core/errors/index.ts'
import { checkStrength, needsSecret } from '../secrets.ts'
import { viewOfDraft, withHeader } from '../signing.ts'
import { duration, within } from '../time.ts'
import { type Proof, type Refused, refuse, type Scheme, type View } from '../types.ts'
import { single } from '../view.ts'
import {
  algorithmOf,
  holds,
  type SigningKey,
  signatureOf,
  signingKey,
  verifyingKeys,
} from './algorithms.ts'
import { checkDigest, signatureBase } from './base.ts'
import { byteSequences, type InnerList, innerLists } from './fields.ts'

const config = z.strictObject({
  scheme: z.literal('http-message-signatures').describe('Name of the scheme'),
  label: z.string().optional().describe('Only the signature of this label counts'),
  require: z
    .array(z.string().min(1).toLowerCase())
    .default([])
    .describe('Components that the signature must cover, such as @method and content-digest'),
  tolerance: duration.prefault('5m').describe('How far created may lie from our time'),
})
type Config = z.infer<typeof config>

const MAX_SIGNATURES = 4

interface Candidate {
  readonly input: InnerList
  readonly signature: Uint8Array
}

const candidates = (view: View, { label }: Config): readonly Candidate[] | Refused => {
  const input = single(view, 'signature-input')
  if (typeof input !== 'string') return input
  const value = single(view, 'signature')
  if (typeof value !== 'string') return value
  const inputs = innerLists(input)
  if (!inputs) return refuse('malformed', 'header signature-input')
  const signatures = byteSequences(value)
  if (!signatures) return refuse('malformed', 'header signature')
  const found = [...inputs].flatMap(([name, each]) => {
    const signature = signatures.get(name)
    return signature && (label === undefined || name === label) ? [{ input: each, signature }] : []
  })
  return found.length > 0
    ? found.slice(0, MAX_SIGNATURES)
    : refuse('missing', 'signature of a label')
}

const checkTimes = ({ params }: InnerList, tolerance: number, now: number): Refused | undefined => {
  const created = params.get('created')
  const expires = params.get('expires')
  if (created === undefined) return refuse('missing', 'parameter created')
  if (typeof created !== 'number') return refuse('malformed', 'parameter created')
  if (expires !== undefined && typeof expires !== 'number')
    return refuse('malformed', 'parameter expires')
  if (!within(created * 1_000, now, tolerance)) return refuse('stale', 'created tolerance')
  if (expires !== undefined && expires * 1_000 <= now) return refuse('stale', 'parameter expires')
  return undefined
}

const texts = ({ params }: InnerList): Record<string, string> =>
  Object.fromEntries(
    [...params].flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )

interface Held extends SigningKey {
  readonly place: number
}

export const httpMessageSignatures: Scheme<Config> = {
  spec: {
    name: 'http-message-signatures',
    kind: 'verifier',
    summary: 'HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530)',
    status: 'stable',
    config,
    secrets: {
      secrets: {
        description: 'Shared secret (text or base64) or public key (PEM, JWK)',
        required: true,
        many: true,
      },
    },
    reasons: {
      missing: 'A header, a parameter or a covered component is not in the request',
      malformed: 'A header cannot be read, or the signature covers less than it must',
      mismatch: 'No live key verifies the signature, or the body has another digest',
      stale: 'The signature is right but too old, too new or expired',
    },
    examples: [
      {
        title: 'Method, URL and body must be covered',
        yaml: "verify:\n  scheme: http-message-signatures\n  require: ['@method', '@target-uri', content-digest]",
      },
    ],
  },
  prover: (settings, secrets, deps) => {
    needsSecret(secrets)
    const keys: readonly Held[] = secrets.flatMap((secret, place) => {
      checkStrength(secret, place, deps)
      return verifyingKeys(secret, place).map((key) => ({ ...key, place }))
    })

    const proveOne = (
      view: View,
      { input, signature }: Candidate,
      now: number,
    ): Proof | Refused => {
      const names = new Set(input.components.map(({ name }) => name))
      const lacking = settings.require.find((name) => !names.has(name))
      if (lacking !== undefined) return refuse('malformed', `component ${lacking} is not covered`)
      const base = signatureBase(view, input)
      if (typeof base !== 'string') return base
      const data = Buffer.from(base)
      const found = keys.find((key) => {
        const algorithm = algorithmOf(key, input.params.get('alg'))
        return algorithm !== undefined && holds(algorithm, key, data, signature)
      })
      if (!found) return refuse('mismatch', 'signature')
      const digest = checkDigest(view)
      if (typeof digest !== 'string') return digest
      return (
        checkTimes(input, settings.tolerance, now) ?? {
          ok: true,
          signed: [base],
          bodyCovered: digest === 'right' && names.has('content-digest'),
          secretIndex: found.place,
          toleranceMs: settings.tolerance,
          proven: texts(input),
        }
      )
    }

    return (view, now) => {
      const found = candidates(view, settings)
      if (!Array.isArray(found)) return found as Refused
      let refused: Refused = refuse('missing', 'signature')
      for (const candidate of found as readonly Candidate[]) {
        const proof = proveOne(view, candidate, now)
        if (proof.ok) return proof
        refused = proof
      }
      return refused
    }
  },
  sign: ({ label = 'sig1' }, secret, draft, { now, id }) => {
    const key = signingKey(secret)
    const algorithm = algorithmOf(key, undefined)
    if (algorithm === undefined) throw new ZenhookError('ZENHOOK_VERIFY_CANNOT_SIGN')
    const digest = createHash('sha256').update(draft.body).digest('base64')
    const ready = withHeader(draft, 'content-digest', `sha-256=:${digest}:`)
    const created = Math.floor(now / 1_000)
    const raw = `("@method" "@target-uri" "content-digest");created=${created};nonce="${id}";alg="${algorithm}"`
    const input = innerLists(`${label}=${raw}`)?.get(label)
    const base = input && signatureBase(viewOfDraft(ready), input)
    if (typeof base !== 'string') throw new ZenhookError('ZENHOOK_VERIFY_CANNOT_SIGN')
    const signature = Buffer.from(signatureOf(algorithm, key, Buffer.from(base))).toString('base64')
    return withHeader(
      withHeader(ready, 'signature-input', `${label}=${raw}`),
      'signature',
      `${label}=:${signature}:`,
    )
  },
  generate: () => {
    const secret = randomBytes(64).toString('base64')
    return { signing: secret, verifying: secret }
  },
}
