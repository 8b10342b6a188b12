import { defineConnector } from '../define.ts'
import { excerptOf, failedStatus } from '../http.ts'
import { exchangeJson, isCutSuccess, malformed, textOf } from '../json.ts'
import type { Attempt, AttemptResult, ConnectorContext } from '../types.ts'
import { isErrorWord, refused } from './errors.ts'
import { messageOf } from './message.ts'
import { type SlackConfig, slackSpec } from './spec.ts'

export { slackSpec } from './spec.ts'

const missing = (reason: string, error: string): AttemptResult => ({
  kind: 'failed',
  reason,
  retriable: false,
  error,
})

/** chat.postMessage: success is `ok: true`; everything else is said by a word in the body. */
const byToken = async (
  { channel, baseUrl }: SlackConfig,
  context: ConnectorContext,
  token: string,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<AttemptResult> => {
  const { dispatch } = attempt
  const message = messageOf(attempt)
  const target = channel ?? message.channel
  if (typeof target !== 'string') return missing('no_channel', 'No channel is configured')
  const { response, data } = await exchangeJson(
    context,
    `${baseUrl.replace(/\/$/, '')}/api/chat.postMessage`,
    {
      headers: { authorization: `Bearer ${token}` },
      json: {
        // Slack has no idempotency key; the metadata lets a person or an app tell copies apart.
        metadata: {
          event_type: 'zenhook_event',
          event_payload: { dispatch_id: dispatch.id, event_id: dispatch.event.id },
        },
        ...message,
        channel: target,
      },
      signal,
    },
  )
  const { status } = response
  const word = textOf(data?.error)
  if (data?.ok === false && word !== '') return refused(word, response, context.now())
  if (status < 200 || status >= 300) return failedStatus(response, context.now())
  if (isCutSuccess(response, '{"ok":true')) {
    return { kind: 'delivered', status, details: { channel: target } }
  }
  if (data?.ok !== true) return malformed(response)
  const externalId = textOf(data.ts)
  return {
    kind: 'delivered',
    status,
    ...(externalId === '' ? {} : { externalId }),
    details: { channel: textOf(data.channel) || target },
  }
}

/** An incoming webhook says `ok`, or a word, as plain text. */
const byUrl = async (
  context: ConnectorContext,
  url: string,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<AttemptResult> => {
  const { response } = await exchangeJson(context, url, { json: messageOf(attempt), signal })
  const { status, body } = response
  const word = excerptOf(body, 80)
  if (isErrorWord(word)) return refused(word, response, context.now())
  if (status < 200 || status >= 300) return failedStatus(response, context.now())
  return word === 'ok' ? { kind: 'delivered', status } : malformed(response)
}

/** Messages in Slack. */
export const slack = defineConnector(slackSpec, (config, context) => ({
  async deliver(attempt, signal) {
    const [url] = await context.secrets('url')
    if (url !== undefined) return byUrl(context, url, attempt, signal)
    const [token] = await context.secrets('token')
    if (token === undefined) return missing('not_authed', 'Neither token nor url is configured')
    return byToken(config, context, token, attempt, signal)
  },
}))
