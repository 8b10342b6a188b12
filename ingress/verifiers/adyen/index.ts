import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { rewritten, valueAt } from '../body.ts'
import { equalBytes } from '../compare.ts'
import { hmacOf } from '../digest.ts'
import { decode } from '../encoding.ts'
import { checkStrength, needsSecret, wrongForm } from '../secrets.ts'
import { strictObject } from '../strict-json.ts'
import { refuse, type Scheme } from '../types.ts'

const config = z.strictObject({ scheme: z.literal('adyen').describe('Name of the scheme') })

const signedFields = [
  'pspReference',
  'originalReference',
  'merchantAccountCode',
  'merchantReference',
  'amount.value',
  'amount.currency',
  'eventCode',
  'success',
] as const

const MAX_ITEMS = 100
const SIGNATURE = 'additionalData.hmacSignature'

const textOf = (item: unknown): string =>
  signedFields.map((path) => valueAt(item, path) ?? '').join(':')

const itemsOf = (body: Readonly<Record<string, unknown>>): readonly unknown[] => {
  const { notificationItems } = body
  if (!Array.isArray(notificationItems)) return []
  return notificationItems.map((each: unknown) =>
    typeof each === 'object' && each !== null && 'NotificationRequestItem' in each
      ? each.NotificationRequestItem
      : undefined,
  )
}

const keyOf = (secret: string, index: number): Uint8Array => {
  const bytes = decode(secret.trim(), 'hex')
  if (!bytes) throw wrongForm(index, 'hex')
  return bytes
}

const mac = (key: Uint8Array, text: string): Uint8Array => hmacOf('sha256', key, [text])

export const adyen: Scheme<z.infer<typeof config>> = {
  spec: {
    name: 'adyen',
    kind: 'verifier',
    summary:
      "HMAC-SHA256 over eight fields of each item, carried in the item (Adyen's standard webhooks)",
    status: 'stable',
    config,
    secrets: { secrets: { description: 'The HMAC key, in hex', required: true, many: true } },
    reasons: {
      missing: 'An item has no signature',
      malformed: 'The body is not as Adyen has it, or has an item twice',
      mismatch: 'No live secret gives the signature of every item',
    },
    examples: [{ title: 'Adyen', yaml: 'provider: adyen' }],
  },
  prover: (_, secrets, deps) => {
    needsSecret(secrets)
    const keys = secrets.map((secret, index) => {
      checkStrength(secret, index, deps)
      return keyOf(secret, index)
    })
    return (view) => {
      const body = strictObject(view.request.body)
      const items = body ? itemsOf(body) : []
      if (items.length === 0 || items.length > MAX_ITEMS) return refuse('malformed', 'body')
      const signed: { text: string; signature: Uint8Array }[] = []
      for (const item of items) {
        const value = valueAt(item, SIGNATURE)
        if (value === undefined) return refuse('missing', `body field ${SIGNATURE}`)
        const signature = decode(value, 'base64')
        if (!signature) return refuse('malformed', `body field ${SIGNATURE}`)
        signed.push({ text: textOf(item), signature })
      }
      // The signatures are the items' own: one that is there twice would make another delivery of it.
      if (new Set(signed.map(({ text }) => text)).size < signed.length)
        return refuse('malformed', 'body')
      const secretIndex = keys.findIndex((key) =>
        signed.every(({ text, signature }) => equalBytes(mac(key, text), signature)),
      )
      return secretIndex < 0
        ? refuse('mismatch', 'hmac')
        : { ok: true, signed: signed.map(({ text }) => text), bodyCovered: false, secretIndex }
    }
  },
  sign: (_, secret, draft) => {
    const key = keyOf(secret, 0)
    const signatures = itemsOf(strictObject(draft.body) ?? {}).map(
      (item, at) =>
        [
          `notificationItems.${at}.NotificationRequestItem.${SIGNATURE}`,
          Buffer.from(mac(key, textOf(item))).toString('base64'),
        ] as const,
    )
    return { ...draft, body: rewritten(draft.body, Object.fromEntries(signatures)) }
  },
  generate: () => {
    const secret = randomBytes(32).toString('hex').toUpperCase()
    return { signing: secret, verifying: secret }
  },
}
