import { constants, sign, verify } from 'node:crypto'
import { z } from 'zod'
import { publicKeyScheme } from '../public-key.ts'
import { signingFields } from '../signing.ts'

const config = z.strictObject({
  ...signingFields,
  scheme: z.literal('rsa').describe('Name of the scheme'),
  algorithm: z.enum(['sha256', 'sha384', 'sha512']).default('sha256').describe('Hash'),
  padding: z.enum(['pkcs1', 'pss']).default('pkcs1').describe('Padding of the signature'),
})
type Config = z.infer<typeof config>

const paddingOf = ({ padding }: Config) =>
  padding === 'pss'
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : { padding: constants.RSA_PKCS1_PADDING }

export const rsa = publicKeyScheme<Config>({
  name: 'rsa',
  kind: 'rsa',
  summary: 'RSA (PKCS #1 v1.5 or PSS) over a template of the request',
  config,
  example: 'verify: { scheme: rsa, header: x-signature, encoding: base64 }',
  verify: (settings, data, key, signature) =>
    verify(settings.algorithm, data, { key, ...paddingOf(settings) }, signature),
  sign: (settings, data, key) => sign(settings.algorithm, data, { key, ...paddingOf(settings) }),
})
