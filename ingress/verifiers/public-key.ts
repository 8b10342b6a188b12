import type { KeyObject } from 'node:crypto'
import type { z } from 'zod'
import { generateKeys, type KeyKind, privateKey, publicKeys } from './keys.ts'
import { needsSecret } from './secrets.ts'
import { compileSigning, type SigningSettings, signDraft } from './signing.ts'
import { joined } from './template.ts'
import { refuse, type Scheme } from './types.ts'

export interface PublicKeyAlgorithm<C> {
  readonly name: string
  readonly kind: KeyKind
  readonly summary: string
  readonly config: z.ZodType<C>
  readonly example: string
  verify(config: C, data: Uint8Array, key: KeyObject, signature: Uint8Array): boolean
  sign(config: C, data: Uint8Array, key: KeyObject): Uint8Array
}

// OpenSSL throws for some signatures that are not even of the right shape.
const holds = (check: () => boolean): boolean => {
  try {
    return check()
  } catch {
    return false
  }
}

/** A scheme that verifies a template with the sender's public key. */
export const publicKeyScheme = <C extends SigningSettings>(
  algorithm: PublicKeyAlgorithm<C>,
): Scheme<C> => ({
  spec: {
    name: algorithm.name,
    kind: 'verifier',
    summary: algorithm.summary,
    status: 'stable',
    config: algorithm.config,
    secrets: {
      secrets: { description: "The sender's public key", required: true, many: true },
    },
    reasons: {
      missing: 'The signature, or a field that it covers, is not in the request',
      malformed: 'The signature or its time cannot be read, or stands there twice',
      mismatch: 'No live key verifies this signature',
      stale: 'The signature is right but its time is outside the tolerance',
    },
    examples: [{ title: 'Time and body', yaml: algorithm.example }],
  },
  prover: (config, secrets) => {
    needsSecret(secrets)
    const keys = secrets.map((secret, index) => publicKeys(secret, algorithm.kind, index))
    const signing = compileSigning(config)
    return (view, now) => {
      const signed = signing.read(view)
      if (!signed.ok) return signed
      const messages = signed.messages.map(joined)
      const secretIndex = keys.findIndex((each) =>
        each.some((key) =>
          signed.signatures.some((signature) =>
            messages.some((data) => holds(() => algorithm.verify(config, data, key, signature))),
          ),
        ),
      )
      if (secretIndex < 0) return refuse('mismatch', algorithm.name)
      return (
        signing.checkTime(view, now) ?? {
          ok: true,
          signed: signed.messages[0],
          bodyCovered: signing.coversBody,
          secretIndex,
          ...(signing.toleranceMs !== undefined && { toleranceMs: signing.toleranceMs }),
        }
      )
    }
  },
  sign: (config, secret, draft, context) => {
    const key = privateKey(secret, algorithm.kind)
    return signDraft(config, draft, context, (parts) => algorithm.sign(config, joined(parts), key))
  },
  generate: () => generateKeys(algorithm.kind),
})
