import { adyen } from './adyen.ts'
import { alertmanager } from './alertmanager.ts'
import { awsSns } from './aws-sns.ts'
import { azuredevops } from './azuredevops.ts'
import { bitbucket } from './bitbucket.ts'
import { box } from './box.ts'
import { btcpay } from './btcpay.ts'
import { buildkite } from './buildkite.ts'
import { calcom } from './calcom.ts'
import { calendly } from './calendly.ts'
import { cashfree } from './cashfree.ts'
import { checkoutCom } from './checkout-com.ts'
import { circleci } from './circleci.ts'
import { clerk } from './clerk.ts'
import { close } from './close.ts'
import { cloudflare } from './cloudflare.ts'
import { cloudflareStream } from './cloudflare-stream.ts'
import { coinbaseCommerce } from './coinbase-commerce.ts'
import { configcat } from './configcat.ts'
import { crisp } from './crisp.ts'
import { customerIo } from './customer-io.ts'
import { datadog } from './datadog.ts'
import { discord } from './discord.ts'
import { discourse } from './discourse.ts'
import { docusign } from './docusign.ts'
import { dodoPayments } from './dodo-payments.ts'
import { easypost } from './easypost.ts'
import { elevenlabs } from './elevenlabs.ts'
import { finch } from './finch.ts'
import { ghost } from './ghost.ts'
import { gitea } from './gitea.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { gocardless } from './gocardless.ts'
import { grafana } from './grafana.ts'
import { hackerone } from './hackerone.ts'
import { heroku } from './heroku.ts'
import { hookdeck } from './hookdeck.ts'
import { httpMessageSignatures } from './http-message-signatures.ts'
import { hubspot } from './hubspot.ts'
import { intercom } from './intercom.ts'
import { jira } from './jira.ts'
import { jiraConnect } from './jira-connect.ts'
import { kontentAi } from './kontent-ai.ts'
import { launchdarkly } from './launchdarkly.ts'
import { lemonSqueezy } from './lemon-squeezy.ts'
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
import { paystack } from './paystack.ts'
import { plaid } from './plaid.ts'
import { planetscale } from './planetscale.ts'
import { polar } from './polar.ts'
import type { Preset } from './preset.ts'
import { pulumi } from './pulumi.ts'
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
import { snyk } from './snyk.ts'
import { sonarqube } from './sonarqube.ts'
import { square } from './square.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import { stream } from './stream.ts'
import { stripe } from './stripe.ts'
import { telegram } from './telegram.ts'
import { telnyx } from './telnyx.ts'
import { terraformCloud } from './terraform-cloud.ts'
import { twilio } from './twilio.ts'
import { twitch } from './twitch.ts'
import { typeform } from './typeform.ts'
import { vercel } from './vercel.ts'
import { viber } from './viber.ts'
import { vonage } from './vonage.ts'
import { webex } from './webex.ts'
import { webflow } from './webflow.ts'
import { wise } from './wise.ts'
import { woocommerce } from './woocommerce.ts'
import { workos } from './workos.ts'
import { zendesk } from './zendesk.ts'
import { zitadel } from './zitadel.ts'
import { zoom } from './zoom.ts'

export type { Checked, Evidence, Handshake, Preset, PresetScheme, Sample } from './preset.ts'

/** Every preset: one file and one line. */
export const presets: readonly Preset[] = [
  adyen,
  alertmanager,
  awsSns,
  azuredevops,
  bitbucket,
  box,
  btcpay,
  buildkite,
  calcom,
  calendly,
  cashfree,
  checkoutCom,
  circleci,
  clerk,
  close,
  cloudflare,
  cloudflareStream,
  coinbaseCommerce,
  configcat,
  crisp,
  customerIo,
  datadog,
  discord,
  discourse,
  docusign,
  dodoPayments,
  easypost,
  elevenlabs,
  finch,
  ghost,
  gitea,
  github,
  gitlab,
  gocardless,
  grafana,
  hackerone,
  heroku,
  hookdeck,
  httpMessageSignatures,
  hubspot,
  intercom,
  jira,
  jiraConnect,
  kontentAi,
  launchdarkly,
  lemonSqueezy,
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
  paystack,
  plaid,
  planetscale,
  polar,
  pulumi,
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
  snyk,
  sonarqube,
  square,
  standardWebhooks,
  stream,
  stripe,
  telegram,
  telnyx,
  terraformCloud,
  twilio,
  twitch,
  typeform,
  vercel,
  viber,
  vonage,
  webex,
  webflow,
  wise,
  woocommerce,
  workos,
  zendesk,
  zitadel,
  zoom,
]

const byName = new Map(
  presets.flatMap((preset) =>
    [preset.name, ...(preset.aliases ?? [])].map((name) => [name, preset] as const),
  ),
)

export const findPreset = (name: string): Preset | undefined => byName.get(name)
