import { adyen } from './adyen/index.ts'
import { basic } from './basic/index.ts'
import { bearer } from './bearer/index.ts'
import { ecdsa } from './ecdsa/index.ts'
import { ed25519 } from './ed25519/index.ts'
import { hmac } from './hmac/index.ts'
import { httpMessageSignatures } from './http-message-signatures/index.ts'
import { jwt } from './jwt/index.ts'
import { rsa } from './rsa/index.ts'
import { sns } from './sns/index.ts'
import { standardWebhooks } from './standard-webhooks/index.ts'
import { token } from './token/index.ts'
import { twilio } from './twilio/index.ts'
import type { Scheme } from './types.ts'

/** Every scheme: one folder and one line. */
export const schemes: readonly Scheme<unknown>[] = [
  hmac,
  standardWebhooks,
  ed25519,
  ecdsa,
  rsa,
  token,
  basic,
  bearer,
  jwt,
  httpMessageSignatures,
  sns,
  twilio,
  adyen,
]
