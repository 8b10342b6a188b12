import { type Answer, type Arrival, type Receiver, startReceiver } from './receiver.ts'

export interface FakeSlack extends Receiver {
  readonly token: string
  /** Path of the incoming webhook. */
  readonly hookUrl: string
  readonly channels: Set<string>
  readonly messages: { channel: string; payload: Record<string, unknown>; ts: string }[]
  /** Error word of the next calls, in order, said as Slack says it: inside of 200. */
  readonly refusals: string[]
  /** Status of the next refusals of the Web API. */
  refusalStatus: number
}

const json = (body: object, headers = {}): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
  body: JSON.stringify(body),
})

const payloadOf = ({ body }: Arrival): Record<string, unknown> | undefined => {
  try {
    const payload: unknown = JSON.parse(body.toString())
    return typeof payload === 'object' && payload !== null
      ? (payload as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

const isEmpty = (payload: Record<string, unknown>): boolean =>
  [payload.text, payload.blocks, payload.attachments].every((part) => part === undefined)

/** Slack's Web API and incoming webhooks, as far as messages go. */
export const startFakeSlack = async (): Promise<FakeSlack> => {
  const token = 'xoxb-genuine'
  const hookPath = '/services/T000/B000/genuine'

  const post = (arrival: Arrival): Answer => {
    if (arrival.headers.authorization === undefined) return json({ ok: false, error: 'not_authed' })
    if (arrival.headers.authorization !== `Bearer ${token}`) {
      return json({ ok: false, error: 'invalid_auth' })
    }
    const refusal = fake.refusals.shift()
    if (refusal !== undefined) {
      return { ...json({ ok: false, error: refusal }), status: fake.refusalStatus }
    }
    const payload = payloadOf(arrival)
    if (payload === undefined) return json({ ok: false, error: 'invalid_json' })
    const channel = String(payload.channel ?? '')
    if (!fake.channels.has(channel)) return json({ ok: false, error: 'channel_not_found' })
    if (isEmpty(payload)) return json({ ok: false, error: 'no_text' })
    const ts = `1700000000.${String(fake.messages.length + 1).padStart(6, '0')}`
    fake.messages.push({ channel, payload, ts })
    return json({ ok: true, channel: 'C0000001', ts, message: { text: payload.text } })
  }

  const hook = (arrival: Arrival): Answer => {
    const refusal = fake.refusals.shift()
    const statuses: Record<string, number> = {
      invalid_payload: 400,
      action_prohibited: 403,
      invalid_token: 403,
      no_service: 404,
      channel_not_found: 404,
      channel_is_archived: 410,
      rollup_error: 500,
    }
    if (refusal !== undefined) return { status: statuses[refusal] ?? 400, body: refusal }
    const payload = payloadOf(arrival)
    if (payload === undefined) return { status: 400, body: 'invalid_payload' }
    if (isEmpty(payload)) return { status: 400, body: 'no_text' }
    fake.messages.push({ channel: 'hook', payload, ts: '' })
    return { status: 200, body: 'ok' }
  }

  const receiver = await startReceiver((arrival) => {
    if (arrival.url === '/api/chat.postMessage' && arrival.method === 'POST') return post(arrival)
    if (arrival.url === hookPath) return hook(arrival)
    return { status: 404, body: 'no_service' }
  })
  const fake: FakeSlack = Object.assign(receiver, {
    token,
    hookUrl: `${receiver.url}${hookPath}`,
    channels: new Set(['#oncall']),
    messages: [],
    refusals: [],
    refusalStatus: 200,
  })
  return fake
}
