import { z } from 'zod'
import type { ComponentSpec } from '../../core/config/component.ts'
import { httpReasons } from '../http.ts'
import { errorReasons } from './errors.ts'

const config = z.strictObject({
  channel: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Channel id or #name; with it, a transform cannot choose another one'),
  baseUrl: z
    .string()
    .regex(/^https?:\/\/[^/]+\/?$/i, 'must be http(s)://host')
    .default('https://slack.com')
    .describe('Where the Web API is; for tests'),
})

export type SlackConfig = z.infer<typeof config>

export const slackSpec: ComponentSpec<SlackConfig> = {
  name: 'slack',
  kind: 'connector',
  summary: 'Messages in Slack, by chat.postMessage of the Web API or an incoming webhook',
  status: 'stable',
  config,
  targets: ['baseUrl'],
  secrets: {
    token: {
      description: 'Bot token (xoxb-…) with chat:write; either this or url',
      required: false,
      many: false,
    },
    url: {
      description: 'URL of an incoming webhook, which is a secret as a whole',
      required: false,
      many: false,
    },
  },
  secretSets: [['token'], ['url']],
  reasons: {
    ...httpReasons,
    ...errorReasons,
    no_channel: 'Neither the configuration nor the transform names a channel',
  },
  examples: [
    {
      title: 'A channel by bot token',
      yaml: 'connector: slack\nconfig: { channel: "#oncall" }\nsecrets: { token: env:SLACK_TOKEN }\n',
    },
    {
      title: 'An incoming webhook',
      yaml: 'connector: slack\nsecrets: { url: env:SLACK_WEBHOOK_URL }\n',
    },
  ],
}
