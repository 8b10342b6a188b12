import { adyen } from './adyen.ts'
import { alertmanager } from './alertmanager.ts'
import { awsSns } from './aws-sns.ts'
import { bitbucket } from './bitbucket.ts'
import { box } from './box.ts'
import { cashfree } from './cashfree.ts'
import { circleci } from './circleci.ts'
import { clerk } from './clerk.ts'
import { coinbaseCommerce } from './coinbase-commerce.ts'
import { crisp } from './crisp.ts'
import { discord } from './discord.ts'
import { discourse } from './discourse.ts'
import { docusign } from './docusign.ts'
import { dodoPayments } from './dodo-payments.ts'
import { easypost } from './easypost.ts'
import { elevenlabs } from './elevenlabs.ts'
import { finch } from './finch.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { gocardless } from './gocardless.ts'
import { grafana } from './grafana.ts'
import { httpMessageSignatures } from './http-message-signatures.ts'
import { hubspot } from './hubspot.ts'
import { intercom } from './intercom.ts'
import { jira } from './jira.ts'
import { jiraConnect } from './jira-connect.ts'
import { kontentAi } from './kontent-ai.ts'
import { line } from './line.ts'
import { linear } from './linear.ts'
import { lithic } from './lithic.ts'
import { liveblocks } from './liveblocks.ts'
import { mailgun } from './mailgun.ts'
import { messagebird } from './messagebird.ts'
import { meta } from './meta.ts'
import { modernTreasury } from './modern-treasury.ts'
import { mux } from './mux.ts'
import { notion } from './notion.ts'
import { okta } from './okta.ts'
import { onfido } from './onfido.ts'
import { openai } from './openai.ts'
import { paddle } from './paddle.ts'
import { pagerduty } from './pagerduty.ts'
import { polar } from './polar.ts'
import type { Preset } from './preset.ts'
import { pusher } from './pusher.ts'
import { razorpay } from './razorpay.ts'
import { replicate } from './replicate.ts'
import { resend } from './resend.ts'
import { retell } from './retell.ts'
import { sanity } from './sanity.ts'
import { sendgrid } from './sendgrid.ts'
import { sentry } from './sentry.ts'
import { servicenow } from './servicenow.ts'
import { shopify } from './shopify.ts'
import { sinchNumbers } from './sinch-numbers.ts'
import { slack } from './slack.ts'
import { smartcar } from './smartcar.ts'
import { square } from './square.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import { stream } from './stream.ts'
import { stripe } from './stripe.ts'
import { telnyx } from './telnyx.ts'
import { twilio } from './twilio.ts'
import { typeform } from './typeform.ts'
import { viber } from './viber.ts'
import { vonage } from './vonage.ts'
import { webflow } from './webflow.ts'
import { workos } from './workos.ts'
import { zendesk } from './zendesk.ts'
import { zoom } from './zoom.ts'

export type { Checked, Evidence, Handshake, Preset, PresetScheme, Sample } from './preset.ts'

/** Every preset: one file and one line. */
export const presets: readonly Preset[] = [
  adyen,
  alertmanager,
  awsSns,
  bitbucket,
  box,
  cashfree,
  circleci,
  clerk,
  coinbaseCommerce,
  crisp,
  discord,
  discourse,
  docusign,
  dodoPayments,
  easypost,
  elevenlabs,
  finch,
  github,
  gitlab,
  gocardless,
  grafana,
  httpMessageSignatures,
  hubspot,
  intercom,
  jira,
  jiraConnect,
  kontentAi,
  line,
  linear,
  lithic,
  liveblocks,
  mailgun,
  messagebird,
  meta,
  modernTreasury,
  mux,
  notion,
  okta,
  onfido,
  openai,
  paddle,
  pagerduty,
  polar,
  pusher,
  razorpay,
  replicate,
  resend,
  retell,
  sanity,
  sendgrid,
  sentry,
  servicenow,
  shopify,
  sinchNumbers,
  slack,
  smartcar,
  square,
  standardWebhooks,
  stream,
  stripe,
  telnyx,
  twilio,
  typeform,
  viber,
  vonage,
  webflow,
  workos,
  zendesk,
  zoom,
]

const byName = new Map(
  presets.flatMap((preset) =>
    [preset.name, ...(preset.aliases ?? [])].map((name) => [name, preset] as const),
  ),
)

export const findPreset = (name: string): Preset | undefined => byName.get(name)
