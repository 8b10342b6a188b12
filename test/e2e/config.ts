import type { FakeJira, FakeServiceNow, FakeSlack, Receiver } from '../fakes/index.ts'

/** What stands for the receivers of the world. */
export interface Fakes {
  slack: FakeSlack
  servicenow: FakeServiceNow
  jira: FakeJira
  webhook: Receiver
}

// One source per line: name, then what it says of its verification; secrets are added by the rig.
const sources: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  acme: {
    github: 'provider: github',
    // Four endpoints: these samples were composed around one envelope, so all carry one event id.
    'stripe-invoices': 'provider: stripe',
    'stripe-disputes': 'provider: stripe',
    'stripe-payments': 'provider: stripe',
    'stripe-subscriptions': 'provider: stripe',
    gitlab: 'provider: gitlab',
    bitbucket: 'provider: bitbucket',
    jira: 'provider: jira',
    sentry: 'provider: sentry',
    sendgrid: 'provider: sendgrid',
    square: 'provider: square',
    hubspot: 'provider: hubspot',
    adyen: 'provider: adyen',
    box: 'provider: box',
    zoom: 'provider: zoom',
    slack: 'provider: slack',
    paddle: 'provider: paddle',
    circleci: 'provider: circleci',
    azuredevops: tokenOf('{ body: eventType }', ', deliveryId: { body: id }'),
    dockerhub: tokenOf('{ text: push }'),
    gitea: tokenOf('{ text: push }'),
    'sentry-legacy': 'verify: { scheme: token, header: x-zenhook-token }',
    workos: tokenOf('{ body: event }', ', deliveryId: { body: id }'),
  },
  platform: {
    pagerduty: 'provider: pagerduty',
    // Firing and resolved of one group stay in order.
    alertmanager: 'provider: alertmanager\n        ordering: groupKey',
    grafana: 'provider: grafana',
    'aws-sns': 'provider: aws-sns',
    datadog: tokenOf('{ body: type }'),
    gcpmonitoring: tokenOf('{ join: [{ text: incident }, { body: incident.state }] }'),
    falco: tokenOf('{ body: rule }'),
    'trivy-operator': tokenOf('{ first: [{ body: kind }, { text: report }] }'),
    policyreport: tokenOf('{ body: kind }'),
  },
}

function tokenOf(type: string, more = ''): string {
  return `verify: { scheme: token, header: x-zenhook-token, type: ${type}${more} }`
}

export const sourceNames: readonly { tenant: string; source: string }[] = Object.entries(
  sources,
).flatMap(([tenant, named]) => Object.keys(named).map((source) => ({ tenant, source })))

const destinations = ({ slack, servicenow, jira, webhook }: Fakes): string => `
      oncall:
        connector: slack
        config: { channel: "#oncall", baseUrl: "${slack.url}" }
        secrets: { token: env:SLACK_TOKEN }
        allowPrivate: true
      billing:
        connector: slack
        secrets: { url: env:SLACK_URL }
        allowPrivate: true
      tickets:
        connector: servicenow
        config: { baseUrl: "${servicenow.url}", fields: { assignment_group: Operations } }
        secrets: { username: env:SNOW_USER, password: env:SNOW_PASSWORD }
        ordered: true
        allowPrivate: true
      findings:
        connector: jira
        config: { baseUrl: "${jira.url}", project: OPS, issueType: Bug }
        secrets: { email: env:JIRA_EMAIL, token: env:JIRA_TOKEN }
        allowPrivate: true
      releases:
        connector: webhook
        config: { url: "${webhook.url}/releases" }
        secrets: { signing: file:FOLDER/signing }
        allowPrivate: true
      archive:
        connector: webhook
        config: { url: "${webhook.url}/archive", headers: { x-team: platform } }
        secrets: { signing: [file:FOLDER/signing, env:SIGNING_NEXT] }
        allowPrivate: true`

const routes = `
      - name: urgent
        when: score.urgency > 0.9
        to: [oncall]
      - name: incidents
        when: facts.category == "incident" || (facts.category == "alert" && facts.severity in ["critical", "high"])
        to: [tickets]
      - name: security
        when: facts.category == "security" && facts.severity != "info"
        to: [findings]
      - name: money
        when: event.source.startsWith("stripe") && (facts.status == "failed" || facts.kind == "dispute")
        to: [billing]
        transform: |
          { "text": "Money: " & facts.title & " (" & data.type & ")" }
      - name: deploys
        when: facts.category == "deploy"
        to: [releases]
        transform: |
          { "what": facts.title, "where": facts.resource, "from": provider, "state": facts.status }
      - name: rest
        default: true
        to: [archive]`

/** Where a source's secrets are, by their place in its list. */
export type RefsOf = (tenant: string, source: string) => readonly string[]

/** The whole configuration; `FOLDER` in references is where secret files are. */
export const configOf = (fakes: Fakes, folder: string, refsOf: RefsOf): string => {
  const lines = ['tenants:']
  for (const [tenant, named] of Object.entries(sources)) {
    lines.push(`  ${tenant}:`, '    sources:')
    for (const [source, verification] of Object.entries(named)) {
      lines.push(
        `      ${source}:`,
        `        ${verification}`,
        `        secrets: [${refsOf(tenant, source).join(', ')}]`,
      )
    }
    lines.push(`    destinations:${destinations(fakes)}`, `    routes:${routes}`)
  }
  return `${lines.join('\n')}\n`.replaceAll('FOLDER', folder)
}
