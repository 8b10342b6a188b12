import { adyen } from './adyen.ts'
import { alertmanager } from './alertmanager.ts'
import { awsSns } from './aws-sns.ts'
import { bitbucket } from './bitbucket.ts'
import { box } from './box.ts'
import { circleci } from './circleci.ts'
import { discord } from './discord.ts'
import { docusign } from './docusign.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { grafana } from './grafana.ts'
import { httpMessageSignatures } from './http-message-signatures.ts'
import { hubspot } from './hubspot.ts'
import { intercom } from './intercom.ts'
import { jira } from './jira.ts'
import { jiraConnect } from './jira-connect.ts'
import { line } from './line.ts'
import { linear } from './linear.ts'
import { mailgun } from './mailgun.ts'
import { messagebird } from './messagebird.ts'
import { meta } from './meta.ts'
import { okta } from './okta.ts'
import { paddle } from './paddle.ts'
import { pagerduty } from './pagerduty.ts'
import type { Preset } from './preset.ts'
import { pusher } from './pusher.ts'
import { razorpay } from './razorpay.ts'
import { sendgrid } from './sendgrid.ts'
import { sentry } from './sentry.ts'
import { servicenow } from './servicenow.ts'
import { shopify } from './shopify.ts'
import { slack } from './slack.ts'
import { square } from './square.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import { stripe } from './stripe.ts'
import { twilio } from './twilio.ts'
import { typeform } from './typeform.ts'
import { zendesk } from './zendesk.ts'
import { zoom } from './zoom.ts'

export type { Handshake, Preset, PresetScheme, Sample } from './preset.ts'

/** Every preset: one file and one line. */
export const presets: readonly Preset[] = [
  adyen,
  alertmanager,
  awsSns,
  bitbucket,
  box,
  circleci,
  discord,
  docusign,
  github,
  gitlab,
  grafana,
  httpMessageSignatures,
  hubspot,
  intercom,
  jiraConnect,
  jira,
  line,
  linear,
  mailgun,
  messagebird,
  meta,
  okta,
  paddle,
  pagerduty,
  pusher,
  razorpay,
  sendgrid,
  sentry,
  servicenow,
  shopify,
  slack,
  square,
  standardWebhooks,
  stripe,
  twilio,
  typeform,
  zendesk,
  zoom,
]

const byName = new Map(
  presets.flatMap((preset) =>
    [preset.name, ...(preset.aliases ?? [])].map((name) => [name, preset] as const),
  ),
)

export const findPreset = (name: string): Preset | undefined => byName.get(name)
