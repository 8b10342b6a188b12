import { type KeyObject, sign, verify } from 'node:crypto'
import { z } from 'zod'
import { ZenhookError } from '../../../core/errors/index.ts'
import { rewritten } from '../body.ts'
import { decode } from '../encoding.ts'
import { generateKeys, privateKey, publicKeys } from '../keys.ts'
import { type JsonObject, strictObject } from '../strict-json.ts'
import { duration, parseTime, within } from '../time.ts'
import { type Refused, refuse, type Scheme, type SchemeDeps } from '../types.ts'
import { certificates } from './certificates.ts'

const arn = /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(?:\.fifo)?$/

const config = z.strictObject({
  scheme: z.literal('sns').describe('Name of the scheme'),
  topics: z
    .array(z.string().regex(arn, 'Use the ARN of a topic'))
    .default([])
    .describe('ARNs of the topics that may send; anybody can have a topic of their own'),
  tolerance: duration.prefault('1h').describe('How far the signed time may lie from ours'),
})

const confirmation = [
  'Message',
  'MessageId',
  'SubscribeURL',
  'Timestamp',
  'Token',
  'TopicArn',
  'Type',
] as const

const fields: Readonly<Record<string, readonly string[]>> = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: confirmation,
  UnsubscribeConfirmation: confirmation,
}

// One pattern over the text: what URL parsers make of odd characters differs from one to the next.
const address =
  /^https:\/\/sns\.[a-z0-9-]{3,32}\.amazonaws\.com(?:\.cn)?\/[\w~:/?#[\]@!$&'()*+,;=.%-]*$/

/** Whether an address is of SNS: certificates come from there, and subscriptions are confirmed there. */
export const isSnsUrl = (text: string): boolean => address.test(text)

const isCertificateUrl = (text: unknown): text is string =>
  typeof text === 'string' && isSnsUrl(text) && /\/[\w.-]+\.pem$/.test(text)

/** What SNS signs: the listed fields by name, one line each for name and value. */
const signedText = (message: JsonObject): string | Refused => {
  const { Type } = message
  const names = typeof Type === 'string' && Object.hasOwn(fields, Type) ? fields[Type] : undefined
  if (!names) return refuse('malformed', 'body field Type')
  let text = ''
  for (const name of names) {
    const value = message[name]
    if (value === undefined || value === null) {
      if (name === 'Subject') continue
      return refuse('missing', `body field ${name}`)
    }
    // A line break in any field but the message would let one field pass for two.
    if (typeof value !== 'string' || (name !== 'Message' && /[\r\n]/.test(value)))
      return refuse('malformed', `body field ${name}`)
    text += `${name}\n${value}\n`
  }
  const { SubscribeURL } = message
  if (typeof SubscribeURL === 'string' && names.includes('SubscribeURL') && !isSnsUrl(SubscribeURL))
    return refuse('malformed', 'body field SubscribeURL')
  return text
}

const hashes: Readonly<Record<string, string>> = { '1': 'sha1', '2': 'sha256' }

interface Held {
  readonly topics: readonly string[]
  readonly keys: readonly { readonly key: KeyObject; readonly place: number }[]
}

const held = (topics: readonly string[], secrets: readonly string[], deps: SchemeDeps): Held => {
  const pins = [...topics]
  const keys: { key: KeyObject; place: number }[] = []
  secrets.forEach((secret, place) => {
    if (arn.test(secret.trim())) pins.push(secret.trim())
    else keys.push(...publicKeys(secret, 'rsa', place).map((key) => ({ key, place })))
  })
  // SNS signs with its certificate for everybody: who checks nothing else takes the messages of any account.
  const certified = secrets.some((secret) => secret.includes('-----BEGIN CERTIFICATE-----'))
  if (pins.length === 0 && (keys.length === 0 || certified))
    throw new ZenhookError('ZENHOOK_VERIFY_SECRET_MISSING', {
      message: `An SNS source names ${certified ? 'the certificate of SNS, but not its topics' : 'neither its topics nor a key'}`,
      fix: "Give the topic's ARN under verify.topics or as a secret; SNS signs for every AWS account alike",
    })
  if (keys.length === 0 && !deps.fetchKey)
    throw new ZenhookError('ZENHOOK_VERIFY_SETTINGS', {
      message: 'This process cannot fetch the certificates of SNS; give one as a secret, in PEM',
    })
  return { topics: pins, keys }
}

export const sns: Scheme<z.infer<typeof config>> = {
  spec: {
    name: 'sns',
    kind: 'verifier',
    summary: 'Amazon SNS: RSA over listed fields, with a certificate from a pinned host',
    status: 'stable',
    config,
    secrets: {
      secrets: {
        description: 'ARNs of the topics, or the certificate in PEM where none can be fetched',
        required: false,
        many: true,
      },
    },
    reasons: {
      missing: 'A signed field is not in the message',
      malformed: 'The message, or where its certificate should come from, is not as SNS has it',
      mismatch: 'The signature is not by SNS, or the topic is another',
      stale: 'The signature is right but its time is outside the tolerance',
    },
    examples: [
      {
        title: 'One topic',
        yaml: 'provider: aws-sns\nverify: { topics: ["arn:aws:sns:eu-west-1:123456789012:alarms"] }',
      },
    ],
  },
  prover: ({ topics, tolerance }, secrets, deps) => {
    const { topics: pins, keys } = held(topics, secrets, deps)
    const fetched = deps.fetchKey && certificates(deps.fetchKey)
    return async (view, now) => {
      const message = strictObject(view.request.body)
      if (!message) return refuse('malformed', 'body')
      const { Signature, SignatureVersion, SigningCertURL, Timestamp, TopicArn } = message
      if (Signature === undefined) return refuse('missing', 'body field Signature')
      const hash = typeof SignatureVersion === 'string' ? hashes[SignatureVersion] : undefined
      if (!hash) return refuse('malformed', 'body field SignatureVersion')
      if (!isCertificateUrl(SigningCertURL)) return refuse('malformed', 'body field SigningCertURL')
      const signature = typeof Signature === 'string' ? decode(Signature, 'base64') : undefined
      if (!signature) return refuse('malformed', 'body field Signature')
      const text = signedText(message)
      if (typeof text !== 'string') return text
      // Checked before anything is fetched: strangers make us fetch nothing.
      if (pins.length > 0 && !pins.includes(String(TopicArn)))
        return refuse('mismatch', 'body field TopicArn')
      const candidates =
        keys.length > 0 || !fetched
          ? keys
          : [{ key: await fetched(SigningCertURL, now), place: undefined }]
      const data = Buffer.from(text)
      const found = candidates.find(({ key }) => verify(hash, data, key, signature))
      if (!found) return refuse('mismatch', 'rsa')
      const at = parseTime(String(Timestamp), 'rfc3339')
      if (at === undefined) return refuse('malformed', 'body field Timestamp')
      if (!within(at, now, tolerance)) return refuse('stale', 'timestamp tolerance')
      return {
        ok: true,
        signed: [text],
        bodyCovered: false,
        toleranceMs: tolerance,
        ...(found.place !== undefined && { secretIndex: found.place }),
      }
    }
  },
  sign: (_, secret, draft, { now }) => {
    const key = privateKey(secret, 'rsa')
    const dated = rewritten(draft.body, {
      Timestamp: new Date(now).toISOString(),
      SignatureVersion: '2',
      SigningCertURL: 'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem',
    })
    const text = signedText(strictObject(dated) ?? {})
    if (typeof text !== 'string')
      throw new ZenhookError('ZENHOOK_VERIFY_CANNOT_SIGN', {
        message: `The message lacks what SNS signs: ${text.step}`,
      })
    const signature = sign('sha256', Buffer.from(text), key).toString('base64')
    return { ...draft, body: rewritten(dated, { Signature: signature }) }
  },
  generate: () => generateKeys('rsa'),
}
