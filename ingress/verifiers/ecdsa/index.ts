import { sign, verify } from 'node:crypto'
import { z } from 'zod'
import { publicKeyScheme } from '../public-key.ts'
import { signingFields } from '../signing.ts'

const config = z.strictObject({
  ...signingFields,
  scheme: z.literal('ecdsa').describe('Name of the scheme'),
  format: z
    .enum(['der', 'ieee-p1363'])
    .default('der')
    .describe('How the two numbers of the signature are written'),
})

export const ecdsa = publicKeyScheme<z.infer<typeof config>>({
  name: 'ecdsa',
  kind: 'p256',
  summary: 'ECDSA with P-256 and SHA-256 over a template of the request',
  config,
  example:
    "verify:\n  scheme: ecdsa\n  header: x-signature\n  encoding: base64\n  timestamp: { header: x-timestamp }\n  template: '{timestamp}{body}'",
  verify: ({ format }, data, key, signature) =>
    verify('sha256', data, { key, dsaEncoding: format }, signature),
  sign: ({ format }, data, key) => sign('sha256', data, { key, dsaEncoding: format }),
})
