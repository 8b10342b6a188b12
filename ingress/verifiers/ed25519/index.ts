import { sign, verify } from 'node:crypto'
import { z } from 'zod'
import { publicKeyScheme } from '../public-key.ts'
import { signingFields } from '../signing.ts'

const config = z.strictObject({
  ...signingFields,
  scheme: z.literal('ed25519').describe('Name of the scheme'),
})

export const ed25519 = publicKeyScheme<z.infer<typeof config>>({
  name: 'ed25519',
  kind: 'ed25519',
  summary: 'Ed25519 over a template of the request',
  config,
  example:
    "verify:\n  scheme: ed25519\n  header: x-signature\n  timestamp: { header: x-timestamp }\n  template: '{timestamp}{body}'",
  verify: (_, data, key, signature) =>
    signature.length === 64 && verify(null, data, key, signature),
  sign: (_, data, key) => sign(null, data, key),
})
