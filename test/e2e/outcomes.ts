/**
 * What must become of each sample payload, written by hand from the payloads. Columns:
 *
 * - file of the index;
 * - tenant and source that it is posted to;
 * - how it is authenticated: preset and its scheme, or `token` with the reason why no preset signs it;
 * - type of the event, or `handshake` and what is answered;
 * - route, destination and effect there, several parted by `;`;
 * - severity, category and status that enrich says.
 */
const table = `
github-ping.json | acme/github | github sha256 | ping | rest archive bytes | info lifecycle unknown
github-push.json | acme/github | github sha256 | push | rest archive bytes | info code unknown
github-pull_request.opened.json | acme/github | github sha256 | pull_request.opened | rest archive bytes | info code open
github-pull_request_review.submitted.json | acme/github | github sha256 | pull_request_review.submitted | rest archive bytes | info code open
github-issues.opened.json | acme/github | github sha256 | issues.opened | rest archive bytes | medium issue open
github-issue_comment.created.json | acme/github | github sha256 | issue_comment.created | rest archive bytes | info issue open
github-workflow_run.completed.json | acme/github | github sha256 | workflow_run.completed | rest archive bytes | info build succeeded
github-check_run.completed.json | acme/github | github sha256 | check_run.completed | rest archive bytes | info build succeeded
github-deployment_status.json | acme/github | github sha256 | deployment_status.created | deploys releases made | info deploy succeeded
github-release.published.json | acme/github | github sha256 | release.published | deploys releases made | info deploy succeeded
github-dependabot_alert.created.json | acme/github | github sha256 | dependabot_alert.created | security findings created | medium security open
github-code_scanning_alert.created.json | acme/github | github sha256 | code_scanning_alert.created | security findings created | high security open
github-secret_scanning_alert.reopened.json | acme/github | github sha256 | secret_scanning_alert.reopened | urgent oncall message; security findings created | critical security open
github-security_advisory.published.json | acme/github | github sha256 | security_advisory.published | security findings created | medium security open
github-installation.created.json | acme/github | github sha256 | installation.created | rest archive bytes | info identity unknown
stripe-invoice.payment_failed.json | acme/stripe-invoices | stripe v1 | invoice.payment_failed | money billing text | medium payment failed
stripe-charge.dispute.created.json | acme/stripe-disputes | stripe v1 | charge.dispute.created | money billing text | high payment open
stripe-payment_intent.succeeded.json | acme/stripe-payments | stripe v1 | payment_intent.succeeded | rest archive bytes | info payment succeeded
stripe-customer.subscription.deleted.json | acme/stripe-subscriptions | stripe v1 | customer.subscription.deleted | rest archive bytes | low payment cancelled
gitlab-push.json | acme/gitlab | gitlab signing-token | push | rest archive bytes | info code unknown
gitlab-merge_request.json | acme/gitlab | gitlab secret-token | merge_request | rest archive bytes | info code open
gitlab-pipeline.json | acme/gitlab | gitlab signing-token | pipeline | rest archive bytes | info build succeeded
gitlab-issue.json | acme/gitlab | gitlab secret-token | issue | rest archive bytes | high issue open
gitlab-deployment.json | acme/gitlab | gitlab signing-token | deployment | deploys releases made | info deploy succeeded
gitlab-note_merge_request.json | acme/gitlab | gitlab signing-token | note | rest archive bytes | info code open
bitbucket-repo-push.json | acme/bitbucket | bitbucket sha256 | repo:push | rest archive bytes | info code unknown
bitbucket-pullrequest-created.json | acme/bitbucket | bitbucket sha256 | pullrequest:created | rest archive bytes | info code unknown
azuredevops-build.complete.json | acme/azuredevops | token: signs nothing | build.complete | rest archive bytes | info build succeeded
dockerhub-push.json | acme/dockerhub | token: signs nothing | push | rest archive bytes | info build succeeded
gitea-push.json | acme/gitea | token: its headers are not in the sample | push | rest archive bytes | info code unknown
jira-issue_created.json | acme/jira | jira sha256 | jira:issue_created | rest archive bytes | high issue open
jira-issue_updated-resolved.json | acme/jira | jira sha256 | jira:issue_updated | rest archive bytes | high issue resolved
jira-comment_created.json | acme/jira | jira sha256 | comment_created | rest archive bytes | high issue open
jira-issue_updated-raised-priority.json | acme/jira | jira sha256 | jira:issue_updated | rest archive bytes | high issue open
pagerduty-incident.priority_updated.json | platform/pagerduty | pagerduty v1 | incident.priority_updated | urgent oncall message; incidents tickets created | critical incident open
alertmanager-firing-group.json | platform/alertmanager | alertmanager basic | alert.firing | urgent oncall message; incidents tickets created | critical alert open
alertmanager-resolved-group.json | platform/alertmanager | alertmanager basic | alert.resolved | incidents tickets resolved | critical alert resolved
grafana-alerting-firing.json | platform/grafana | grafana timed | alert.firing | urgent oncall message; incidents tickets created | critical alert open
grafana-alert-rule.json | platform/grafana | grafana body | alert | rest archive bytes | medium alert unknown
datadog-monitor-alert.json | platform/datadog | token: signs nothing | metric_alert | rest archive bytes | medium alert unknown
sentry-legacy-webhook-plugin.json | acme/sentry-legacy | token: signs nothing | event | incidents tickets created | high alert open
gcpmonitoring-incident.json | platform/gcpmonitoring | token: signs nothing | incident.OPEN | urgent oncall message; incidents tickets created | critical alert open
sentry-issue.created.json | acme/sentry | sentry sha256 | issue.created | incidents tickets created | high alert open
sentry-metric_alert.critical.json | acme/sentry | sentry sha256 | metric_alert.critical | urgent oncall message; incidents tickets created | critical alert open
falco-test-rule.json | platform/falco | token: signs nothing | Test_rule | rest archive bytes | info security open
falco-write-below-binary-dir.json | platform/falco | token: signs nothing | Write_below_binary_dir | security findings created | high security open
trivy-operator-vulnerabilityreport.json | platform/trivy-operator | token: signs nothing | report | urgent oncall message; security findings created | critical security open
trivy-operator-exposedsecretreport.json | platform/trivy-operator | token: signs nothing | report | urgent oncall message; security findings created | critical security open
trivy-operator-configauditreport.json | platform/trivy-operator | token: signs nothing | ConfigAuditReport | security findings created | high security open
policyreport-sample-cis-k8s.json | platform/policyreport | token: signs nothing | PolicyReport | security findings created | medium security open
policyreport-sample-v1beta1-kyverno.json | platform/policyreport | token: signs nothing | PolicyReport | rest archive bytes | info security resolved
policyreport-sample-v1beta2-kyverno.json | platform/policyreport | token: signs nothing | PolicyReport | rest archive bytes | info security resolved
aws-sns-cloudwatch-alarm.json | platform/aws-sns | aws-sns rsa | Notification | incidents tickets created | high alert open
sendgrid-event-batch.json | acme/sendgrid | sendgrid ecdsa | processed | rest archive bytes | medium message unknown
square-webhooks.test_notification.json | acme/square | square sha256 | webhooks.test_notification | rest archive bytes | info lifecycle unknown
hubspot-contact.creation.json | acme/hubspot | hubspot v3 | contact.creation | rest archive bytes | info contact unknown
adyen-balancePlatform.accountHolder.created.json | acme/adyen | adyen banking | balancePlatform.accountHolder.created | rest archive bytes | info payment unknown
box-FILE.UPLOADED.json | acme/box | box sha256 | FILE.UPLOADED | rest archive bytes | info file unknown
zoom-meeting.started.json | acme/zoom | zoom v0 | meeting.started | rest archive bytes | info meeting in_progress
slack-slash-command.txt | acme/slack | slack v0 | slash_command | rest archive bytes | info chat unknown
adyen-AUTHORISATION.json | acme/adyen | adyen standard | AUTHORISATION | rest archive bytes | info payment succeeded
paddle-adjustment.created.json | acme/paddle | paddle h1 | adjustment.created | rest archive bytes | low payment in_progress
workos-dsync.user.json | acme/workos | token: its headers are not in the sample | dsync.user.created | rest archive bytes | info identity unknown
slack-url_verification.json | acme/slack | slack v0 | handshake 3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P | none | info lifecycle unknown
circleci-workflow-completed.json | acme/circleci | circleci v1 | workflow-completed | rest archive bytes | info build succeeded
`

export type Effect = 'message' | 'text' | 'created' | 'resolved' | 'bytes' | 'made'

export interface Delivery {
  route: string
  destination: string
  effect: Effect
}

export interface Outcome {
  file: string
  tenant: string
  source: string
  /** A preset with one of its schemes, or a static token and why. */
  auth: { preset: string; scheme: string } | { token: string }
  /** Type of the event; or what a handshake is answered, and then there is no event. */
  type: string
  handshake: string | undefined
  deliveries: readonly Delivery[]
  facts: { severity: string; category: string; status: string }
}

const words = (text: string): string[] => text.trim().split(/\s+/)

const isEffect = (word: string): word is Effect =>
  ['message', 'text', 'created', 'resolved', 'bytes', 'made'].includes(word)

const deliveryOf = (text: string): Delivery => {
  const [route = '', destination = '', effect = ''] = words(text)
  if (!isEffect(effect)) throw new Error(`no such effect: ${text}`)
  return { route, destination, effect }
}

const authOf = (text: string): Outcome['auth'] => {
  if (text.startsWith('token: ')) return { token: text.slice('token: '.length) }
  const [preset = '', scheme = ''] = words(text)
  return { preset, scheme }
}

const outcomeOf = (line: string): Outcome => {
  const cells = line.split('|').map((cell) => cell.trim())
  if (cells.length !== 6) throw new Error(`six columns are expected: ${line}`)
  const [file = '', at = '', auth = '', type = '', to = '', told = ''] = cells
  const [tenant = '', source = ''] = at.split('/')
  const [severity = '', category = '', status = ''] = words(told)
  const handshake = /^handshake (\S+)$/.exec(type)?.[1]
  return {
    ...{ file, tenant, source, auth: authOf(auth), handshake },
    type: handshake === undefined ? type : '',
    deliveries: to === 'none' ? [] : to.split(';').map(deliveryOf),
    facts: { severity, category, status },
  }
}

export const outcomes: readonly Outcome[] = table.trim().split('\n').map(outcomeOf)

/** Those that become events. */
export const events = outcomes.filter(({ handshake }) => handshake === undefined)
