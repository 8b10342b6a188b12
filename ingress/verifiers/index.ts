import { z } from 'zod'
import { schemes } from './schemes.ts'
import { commonFields } from './settings.ts'

export { parseBody } from './body.ts'
export { createVerifier, type VerifierOptions } from './create.ts'
export { type BatchRecord, type BatchResult, verifyRecord } from './debug.ts'
export { settingsFault } from './fault.ts'
export { presetNamed, presetOf, type VerifySource } from './settings.ts'
export { draftOf, generateSecrets, type SignOptions, sampleOf, signRequest } from './sign.ts'
export type {
  Draft,
  Genuine,
  HandshakeReply,
  RawRequest,
  Refused,
  SecretPair,
  Verified,
  Verifier,
} from './types.ts'

/** What every scheme declares of itself, for config lint and the reference. */
export const verifierSpecs = schemes.map(({ spec }) => ({
  ...spec,
  config: spec.config instanceof z.ZodObject ? spec.config.extend(commonFields) : spec.config,
}))
