import type { Mapping } from '../mapping.ts'
import { adyen } from './adyen.ts'
import { alertmanager } from './alertmanager.ts'
import { awsSns } from './aws-sns.ts'
import { azuredevops } from './azuredevops.ts'
import { bitbucket } from './bitbucket.ts'
import { box } from './box.ts'
import { buildkite } from './buildkite.ts'
import { circleci } from './circleci.ts'
import { datadog } from './datadog.ts'
import { dockerhub } from './dockerhub.ts'
import { falco } from './falco.ts'
import { gcpmonitoring } from './gcpmonitoring.ts'
import { gitea } from './gitea.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { grafana } from './grafana.ts'
import { hackerone } from './hackerone.ts'
import { heroku } from './heroku.ts'
import { hubspot } from './hubspot.ts'
import { jira } from './jira.ts'
import { launchdarkly } from './launchdarkly.ts'
import { paddle } from './paddle.ts'
import { pagerduty } from './pagerduty.ts'
import { policyreport } from './policyreport.ts'
import { sendgrid } from './sendgrid.ts'
import { sentry } from './sentry.ts'
import { slack } from './slack.ts'
import { snyk } from './snyk.ts'
import { sonarqube } from './sonarqube.ts'
import { square } from './square.ts'
import { stripe } from './stripe.ts'
import { terraformCloud } from './terraform-cloud.ts'
import { trivyOperator } from './trivy-operator.ts'
import { vercel } from './vercel.ts'
import { workos } from './workos.ts'
import { zoom } from './zoom.ts'

export { generic } from './generic.ts'

/** One line per provider. Where several would recognise a body, the first does. */
export const mappings: readonly Mapping[] = [
  gitea,
  github,
  gitlab,
  bitbucket,
  azuredevops,
  circleci,
  dockerhub,
  stripe,
  adyen,
  square,
  paddle,
  pagerduty,
  grafana,
  alertmanager,
  datadog,
  sentry,
  gcpmonitoring,
  falco,
  trivyOperator,
  policyreport,
  awsSns,
  jira,
  sendgrid,
  hubspot,
  box,
  zoom,
  slack,
  workos,
  buildkite,
  hackerone,
  heroku,
  launchdarkly,
  snyk,
  sonarqube,
  terraformCloud,
  vercel,
]
