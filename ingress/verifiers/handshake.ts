import { createHmac } from 'node:crypto'
import type { Handshake, ReplyValue } from '../providers/preset.ts'
import { valueAt } from './body.ts'
import { equalBytes, fingerprint } from './compare.ts'
import {
  type Genuine,
  type HandshakeReply,
  type Refused,
  refuse,
  type Verified,
  type View,
} from './types.ts'
import { single } from './view.ts'

/** Marks a secret that is the token of a handshake and signs nothing. */
export const TOKEN_MARK = 'verify:'

// What providers send is a random word; anything else would make the answer somebody's page.
const word = /^[A-Za-z0-9._~+/=:-]{1,1024}$/

const reply = (status: number, type: string, body: string): HandshakeReply => ({
  status,
  headers: {
    ...(body !== '' && { 'content-type': type }),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  },
  body,
  deliver: false,
})

const text = (body: string): HandshakeReply => reply(200, 'text/plain; charset=utf-8', body)
const json = (value: unknown): HandshakeReply =>
  reply(200, 'application/json', JSON.stringify(value))

const answered = (respond: HandshakeReply, secretIndex?: number): Genuine => ({
  ok: true,
  type: 'handshake',
  nonce: '',
  nonceTtlMs: 0,
  idCovered: false,
  bodyCovered: false,
  scheme: 'handshake',
  ...(secretIndex !== undefined && { secretIndex }),
  respond,
})

type Query = Extract<Handshake, { kind: 'query' }>

const queryHandshake = (
  { mode: [name, value], token, challenge }: Query,
  view: View,
  secrets: readonly string[],
): Verified => {
  const query = new URLSearchParams(view.request.query)
  const one = (key: string): string | Refused => {
    const values = query.getAll(key)
    if (values.length > 1) return refuse('malformed', `query ${key} is repeated`)
    return values[0] ?? refuse('missing', `query ${key}`)
  }
  if (query.get(name) !== value) return refuse('missing', `query ${name}`)
  const presented = one(token)
  if (typeof presented !== 'string') return presented
  const echoed = one(challenge)
  if (typeof echoed !== 'string') return echoed
  // A secret marked `verify:` is for this alone; without one, any live secret is the token.
  const marked = secrets.some((secret) => secret.startsWith(TOKEN_MARK))
  const secretIndex = secrets.findIndex((secret) => {
    const bare = marked ? secret.slice(TOKEN_MARK.length) : secret
    const counts = bare.length > 0 && (!marked || secret.startsWith(TOKEN_MARK))
    return counts && equalBytes(fingerprint(bare), fingerprint(presented))
  })
  if (secretIndex < 0) return refuse('mismatch', `query ${token}`)
  return word.test(echoed)
    ? answered(text(echoed), secretIndex)
    : refuse('malformed', `query ${challenge}`)
}

/** A GET of a provider that makes sure of its receiver. Answered only with proof of the secret. */
export const getHandshake = async (
  handshakes: readonly Handshake[],
  view: View,
  secrets: readonly string[],
  prove: () => Promise<Verified>,
): Promise<Verified> => {
  for (const handshake of handshakes) {
    if (handshake.kind === 'query') return queryHandshake(handshake, view, secrets)
    if (handshake.kind === 'header') {
      const proof = await prove()
      if (!proof.ok) return proof
      const challenge = single(view, handshake.header)
      if (typeof challenge !== 'string') return challenge
      return word.test(challenge)
        ? answered(json({ [handshake.reply]: challenge }), proof.secretIndex)
        : refuse('malformed', `header ${handshake.header}`)
    }
  }
  return refuse('missing', 'handshake')
}

const replyValue = (from: ReplyValue, view: View, secret: string): string | number | undefined => {
  if ('text' in from) return from.text
  const value = valueAt(view.body(), 'body' in from ? from.body : from.hmac)
  if (value === undefined || !word.test(value)) return undefined
  return 'body' in from ? value : createHmac('sha256', secret).update(value).digest('hex')
}

/** A verified request that is a handshake gets its answer; any other is left as it is. */
export const bodyHandshake = (
  handshakes: readonly Handshake[],
  view: View,
  secret: string | undefined,
  proven: Genuine,
): Verified => {
  for (const handshake of handshakes) {
    if (handshake.kind !== 'body') continue
    const { when, unless = [] } = handshake
    const body = view.body()
    const asked =
      Object.entries(when).every(([path, value]) => valueAt(body, path) === value) &&
      !unless.some((path) => typeof body === 'object' && body !== null && Object.hasOwn(body, path))
    if (!asked) continue
    const wanted = handshake.reply
    if ('status' in wanted) return { ...proven, respond: reply(wanted.status, '', '') }
    if ('text' in wanted) {
      const value = replyValue(wanted.text, view, secret ?? '')
      return value === undefined
        ? refuse('malformed', 'challenge')
        : { ...proven, respond: text(String(value)) }
    }
    const members: Record<string, string | number> = {}
    for (const [name, from] of Object.entries(wanted.json)) {
      const value = replyValue(from, view, secret ?? '')
      if (value === undefined) return refuse('malformed', 'challenge')
      members[name] = value
    }
    return { ...proven, respond: json(members) }
  }
  return proven
}
