import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { equalBytes } from '../compare.ts'
import { hashOf, hmacOf } from '../digest.ts'
import { decode } from '../encoding.ts'
import { checkStrength, needsSecret, wrongForm } from '../secrets.ts'
import { compileSigning, signDraft, signingFields } from '../signing.ts'
import type { Part } from '../template.ts'
import { refuse, type Scheme } from '../types.ts'

const config = z.strictObject({
  ...signingFields,
  scheme: z.literal('hmac').describe('Name of the scheme'),
  algorithm: z
    .enum(['sha1', 'sha256', 'sha384', 'sha512'])
    .default('sha256')
    .describe('Hash of the HMAC; sha1 only for providers that have nothing better'),
  secretEncoding: z
    .enum(['utf8', 'hex', 'base64'])
    .default('utf8')
    .describe('How the text of the secret stands for the bytes of the key'),
  construction: z
    .enum(['hmac', 'prefix'])
    .default('hmac')
    .describe(
      'prefix is the plain hash of secret and message, which a few old schemes use: only for text, as anybody can lengthen what was signed by bytes that are none',
    ),
})
type Config = z.infer<typeof config>

const keyOf = (secret: string, encoding: Config['secretEncoding'], index: number): Uint8Array => {
  if (encoding === 'utf8') return Buffer.from(secret, 'utf8')
  const bytes = decode(secret.trim(), encoding)
  if (!bytes) throw wrongForm(index, encoding)
  return bytes
}

const digest = (
  { algorithm, construction }: Config,
  key: Uint8Array,
  parts: readonly Part[],
): Uint8Array =>
  construction === 'hmac' ? hmacOf(algorithm, key, parts) : hashOf(algorithm, [key, ...parts])

export const hmac: Scheme<Config> = {
  spec: {
    name: 'hmac',
    kind: 'verifier',
    summary: 'HMAC with SHA-1, 256, 384 or 512 over a template of the request',
    status: 'stable',
    config,
    secrets: {
      secrets: { description: 'Shared with the provider', required: true, many: true },
    },
    reasons: {
      missing: 'The signature, or a field that it covers, is not in the request',
      malformed: 'The signature or its time cannot be read, or stands there twice',
      mismatch: 'No live secret gives this signature',
      stale: 'The signature is right but its time is outside the tolerance',
    },
    examples: [
      {
        title: 'The body alone, in hex',
        yaml: "verify: { scheme: hmac, header: x-signature, prefix: 'sha256=' }",
      },
      {
        title: 'Time and body, in one header',
        yaml: "verify:\n  scheme: hmac\n  header: x-signature\n  list: { separator: ',', key: v1 }\n  timestamp: { key: t, unit: s }\n  template: '{timestamp}.{body}'\n  tolerance: 5m",
      },
    ],
  },
  prover: (settings, secrets, deps) => {
    needsSecret(secrets)
    const keys = secrets.map((secret, index) => {
      const key = keyOf(secret, settings.secretEncoding, index)
      checkStrength(secret, index, deps)
      checkStrength(key, index, deps)
      return key
    })
    const signing = compileSigning(settings)
    const step = settings.construction === 'hmac' ? 'hmac' : 'digest'
    return (view, now) => {
      // Whoever has one digest of secret and message has that of a longer message, too; but bytes that are no
      // text stand between the two.
      if (settings.construction === 'prefix' && !isUtf8(view.request.body))
        return refuse('malformed', 'body is not UTF-8')
      const signed = signing.read(view)
      if (!signed.ok) return signed
      for (const [secretIndex, key] of keys.entries()) {
        const parts = signed.messages.find((message) => {
          const expected = digest(settings, key, message)
          return signed.signatures.some((signature) => equalBytes(signature, expected))
        })
        if (!parts) continue
        return (
          signing.checkTime(view, now) ?? {
            ok: true,
            signed: parts,
            bodyCovered: signing.coversBody,
            secretIndex,
            ...(signing.toleranceMs !== undefined && { toleranceMs: signing.toleranceMs }),
          }
        )
      }
      return signed.signatures.every((each) => each.length !== lengths[settings.algorithm])
        ? refuse('malformed', 'signature length')
        : refuse('mismatch', step)
    }
  },
  sign: (settings, secret, draft, context) => {
    const key = keyOf(secret, settings.secretEncoding, 0)
    return signDraft(settings, draft, context, (parts) => digest(settings, key, parts))
  },
  generate: ({ secretEncoding }) => {
    const secret = randomBytes(32).toString(secretEncoding === 'base64' ? 'base64' : 'hex')
    return { signing: secret, verifying: secret }
  },
}

const lengths = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 } as const
