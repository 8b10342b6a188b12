import type { EgressResponse } from '../../core/net/index.ts'
import { clipped } from '../facts.ts'
import { parseRetryAfter } from '../http.ts'
import type { Failed } from '../types.ts'

/** What Slack's error words mean; what is not listed is refused for good, as nobody knows better. */
const errors: Readonly<Record<string, { means: string; retriable?: true; disable?: true }>> = {
  ratelimited: { means: 'Slack throttles', retriable: true },
  rate_limited: { means: 'Slack throttles', retriable: true },
  message_limit_exceeded: { means: 'The workspace reached its message limit', retriable: true },
  internal_error: { means: 'Slack has trouble', retriable: true },
  fatal_error: { means: 'Slack has trouble', retriable: true },
  rollup_error: { means: 'Slack has trouble', retriable: true },
  service_unavailable: { means: 'Slack is away', retriable: true },
  request_timeout: { means: 'Slack did not get the whole request', retriable: true },
  org_login_required: { means: 'The workspace is being migrated', retriable: true },
  team_added_to_org: { means: 'The workspace is being migrated', retriable: true },
  channel_not_found: { means: 'There is no such channel for this token' },
  not_in_channel: { means: 'The bot is not in the channel: invite it' },
  is_archived: { means: 'The channel is archived' },
  channel_is_archived: { means: 'The channel of the webhook is archived', disable: true },
  no_service: { means: 'The incoming webhook was removed', disable: true },
  no_service_id: { means: 'The URL of the incoming webhook is not whole' },
  no_team: { means: 'There is no such workspace' },
  team_disabled: { means: 'The workspace is disabled' },
  action_prohibited: { means: 'An administrator forbids the webhook to post' },
  posting_to_general_channel_denied: { means: 'Posting to the general channel is restricted' },
  restricted_action: { means: 'An administrator restricts posting' },
  invalid_token: { means: 'The URL of the incoming webhook is not valid' },
  invalid_payload: { means: 'Slack cannot read the message' },
  invalid_auth: { means: 'The token is not valid' },
  not_authed: { means: 'No token was given' },
  account_inactive: { means: 'The account of the token is deactivated' },
  token_revoked: { means: 'The token was revoked' },
  token_expired: { means: 'The token has expired' },
  missing_scope: { means: 'The token lacks the scope chat:write' },
  no_text: { means: 'The message is empty' },
  msg_too_long: { means: 'The message is too long' },
  too_many_attachments: { means: 'The message has too many attachments' },
  invalid_blocks: { means: 'The blocks of the message are not valid' },
  invalid_blocks_format: { means: 'The blocks of the message are not valid' },
  invalid_arguments: { means: 'Slack refuses the arguments' },
  invalid_metadata_format: { means: 'The metadata of the message is not valid' },
}

export const errorReasons: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(errors).map(([word, { means }]) => [word, means])),
  slack_other: 'Slack refused with a word that is not known here',
}

export const isErrorWord = (word: string): boolean => Object.hasOwn(errors, word)

/** Throttled or in trouble: whatever the word, which may be of the moment, another attempt can do better. */
const passing = (status: number): boolean => status === 429 || status >= 500

/** A refusal by Slack's own word, which says more than the status: `ok: false` comes with 200. */
export const refused = (word: string, response: EgressResponse, now: number): Failed => {
  const known = isErrorWord(word) ? errors[word] : undefined
  const retryAfterMs = parseRetryAfter(response.headers['retry-after'], now)
  return {
    kind: 'failed',
    reason: known === undefined ? 'slack_other' : word,
    status: response.status,
    retriable: known?.retriable === true || passing(response.status),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(known?.disable && !passing(response.status) ? { disable: true } : {}),
    error: `Slack refused: ${clipped(word, 80)}${known === undefined ? '' : ` (${known.means})`}`,
  }
}
