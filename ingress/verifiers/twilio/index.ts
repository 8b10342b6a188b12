import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { isBoundedForm } from '../../../core/event/bounds.ts'
import { isForm } from '../body.ts'
import { equalBytes, fingerprint } from '../compare.ts'
import { hmacOf, sha256Hex } from '../digest.ts'
import { decode } from '../encoding.ts'
import { textSecrets } from '../secrets.ts'
import { viewOfDraft, withHeader } from '../signing.ts'
import { type Refused, refuse, type Scheme, type View } from '../types.ts'
import { single } from '../view.ts'

const config = z.strictObject({
  scheme: z.literal('twilio').describe('Name of the scheme'),
  header: z
    .string()
    .min(1)
    .toLowerCase()
    .default('x-twilio-signature')
    .describe('Of the signature'),
})

const DIGEST = 'bodySHA256'

// Twilio signs an apostrophe of the query as %27, whatever was sent.
const canonical = (url: string): string => {
  const at = url.indexOf('?')
  return at < 0 ? url : url.slice(0, at) + url.slice(at).replaceAll("'", '%27')
}

/** Twilio signs with or without the port, depending on the product: both name one address. */
const addresses = (url: string): readonly string[] => {
  const parts = /^(https?):\/\/((?:[^/?#@]*@)?(?:[^/?#:@]+|\[[^\]]+\]))(?::(\d+))?(.*)$/s.exec(url)
  if (!parts) return [url]
  const [, scheme, host, port, rest] = parts
  const other = port === undefined ? `:${scheme === 'https' ? 443 : 80}` : ''
  return [url, `${scheme}://${host}${other}${rest}`]
}

/** Names and values one after the other, sorted by name; the values of one name sorted and each once. */
const formText = (body: Uint8Array): string => {
  const fields = new Map<string, Set<string>>()
  for (const [name, value] of new URLSearchParams(Buffer.from(body).toString('utf8'))) {
    const values = fields.get(name)
    if (values) values.add(value)
    else fields.set(name, new Set([value]))
  }
  return [...fields.keys()]
    .sort()
    .flatMap((name) => [...(fields.get(name) ?? [])].sort().map((value) => name + value))
    .join('')
}

/** What follows the URL, once it is clear that the signature covers the body in one way or the other. */
const suffix = (view: View): string | Refused => {
  const { body, query } = view.request
  const digests = new URLSearchParams(query).getAll(DIGEST)
  if (digests.length > 1) return refuse('malformed', `query ${DIGEST} is repeated`)
  const [digest] = digests
  if (digest !== undefined) {
    const actual = sha256Hex([body])
    const same = equalBytes(fingerprint(actual), fingerprint(digest.toLowerCase()))
    return same ? '' : refuse('mismatch', 'body digest')
  }
  if (body.length === 0) return ''
  // A body without a type is covered as the form that it would be.
  const [type] = view.all('content-type')
  if (type !== undefined && !isForm(type))
    return refuse('malformed', `body is no form, and the query has no ${DIGEST}`)
  return isBoundedForm(body) ? formText(body) : refuse('malformed', 'form has too many fields')
}

const mac = (key: string, text: string): Uint8Array => hmacOf('sha1', Buffer.from(key), [text])

export const twilio: Scheme<z.infer<typeof config>> = {
  spec: {
    name: 'twilio',
    kind: 'verifier',
    summary:
      'HMAC-SHA1 over the URL and the sorted form, or over a URL that carries the digest of the body',
    status: 'stable',
    config,
    secrets: { secrets: { description: 'The auth token', required: true, many: true } },
    reasons: {
      missing: 'The signature is not in the request',
      malformed: 'The signature cannot be read, or nothing covers the body',
      mismatch: 'No live secret gives this signature, or the body has another digest',
    },
    examples: [{ title: 'Twilio', yaml: 'provider: twilio' }],
  },
  prover: ({ header }, secrets, deps) => {
    const keys = textSecrets(secrets, deps)
    return (view) => {
      const value = single(view, header)
      if (typeof value !== 'string') return value
      const signature = decode(value, 'base64')
      if (!signature) return refuse('malformed', 'signature is not base64')
      const end = suffix(view)
      if (typeof end !== 'string') return end
      const texts = addresses(canonical(view.request.url)).map((url) => url + end)
      const secretIndex = keys.findIndex((key) =>
        texts.some((text) => equalBytes(mac(key, text), signature)),
      )
      return secretIndex < 0
        ? refuse('mismatch', 'hmac')
        : { ok: true, signed: texts.slice(0, 1), bodyCovered: true, secretIndex }
    }
  },
  sign: ({ header }, secret, draft) => {
    const { body } = draft
    const form = isForm(viewOfDraft(draft).all('content-type')[0] ?? '')
    const digest = sha256Hex([body])
    const url =
      form || body.length === 0
        ? draft.url
        : `${draft.url}${draft.url.includes('?') ? '&' : '?'}${DIGEST}=${digest}`
    const text = canonical(url) + (form ? formText(body) : '')
    const signature = mac(secret, text)
    return withHeader({ ...draft, url }, header, Buffer.from(signature).toString('base64'))
  },
  generate: () => {
    const secret = randomBytes(16).toString('hex')
    return { signing: secret, verifying: secret }
  },
}
