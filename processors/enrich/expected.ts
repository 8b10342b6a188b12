/**
 * What enrich must say of each sample payload, read off the payload by hand. Columns: file, kind, severity,
 * category, status, resource, actor, title, url, environment, branch, count (1 where empty), test.
 */
export const expectations = `
github-ping.json | ping | info | lifecycle | unknown | Octocoders/Hello-World | Codertocat | Webhook added: Anything added dilutes everything else. | https://github.com/Octocoders/Hello-World |  |  |  |
github-push.json | push | info | code | unknown | Codertocat/Hello-World | Codertocat | Deleted refs/tags/simple-tag | https://github.com/Codertocat/Hello-World/compare/6113728f27ae...000000000000 |  |  |  |
github-pull_request.opened.json | pull_request | info | code | open | Codertocat/Hello-World | Codertocat | Update the README with new information. | https://github.com/Codertocat/Hello-World/pull/2 |  | changes |  |
github-pull_request_review.submitted.json | pull_request_review | info | code | open | Codertocat/Hello-World | Codertocat | Review of "Update the README with new information.": commented | https://github.com/Codertocat/Hello-World/pull/2#pullrequestreview-237895671 |  | changes |  |
github-issues.opened.json | issue | medium | issue | open | Codertocat/Hello-World | Codertocat | Spelling error in the README file | https://github.com/Codertocat/Hello-World/issues/1 |  |  |  |
github-issue_comment.created.json | issue_comment | info | issue | open | Codertocat/Hello-World | Codertocat | Comment on "Spelling error in the README file" | https://github.com/Codertocat/Hello-World/issues/1#issuecomment-492700400 |  |  |  |
github-workflow_run.completed.json | workflow_run | info | build | succeeded | octo-org/octo-repo | Codertocat | test: success | https://github.com/octo-org/octo-repo/actions/runs/289782451 |  | master |  |
github-check_run.completed.json | check_run | info | build | succeeded | Codertocat/Hello-World | Codertocat | Octocoders-linter: success | https://github.com/Codertocat/Hello-World/runs/128620228 |  | changes |  |
github-deployment_status.json | deployment_status | info | deploy | succeeded | Codertocat/Hello-World | Codertocat | Deployment to production: success | https://github.com/Codertocat/Hello-World | production | master |  |
github-release.published.json | release | info | deploy | succeeded | Codertocat/Hello-World | Codertocat | Release 0.0.1 | https://github.com/Codertocat/Hello-World/releases/tag/0.0.1 |  | master |  |
github-dependabot_alert.created.json | dependabot_alert | medium | security | open | wolfy1339/pika-pack | github | semver vulnerable to Regular Expression Denial of Service | https://github.com/wolfy1339/pika-pack/security/dependabot/20 |  |  |  |
github-code_scanning_alert.created.json | code_scanning_alert | high | security | open | Codertocat/Hello-World | github | Query built from user-controlled sources | https://github.com/Codertocat/Hello-World/security/code-scanning/10 |  | code-feature |  |
github-secret_scanning_alert.reopened.json | secret_scanning_alert | critical | security | open | Codertocat/Hello-World | Codertocat | Leaked secret: adafruit_io_key | https://github.com/Codertocat/Hello-World |  |  |  |
github-security_advisory.published.json | security_advisory | medium | security | open | django |  | Moderate severity vulnerability that affects django | https://github.com/advisories/GHSA-rf4j-j272-fj86 |  |  |  |
github-installation.created.json | installation | info | identity | unknown | Codertocat | Codertocat | App installation created for Codertocat | https://github.com/settings/installations/957387 |  |  |  |
stripe-invoice.payment_failed.json | payment_failed | medium | payment | failed | in_1Pgc6tB7WZ01zgkWu9fdqL6I | cus_QXg1o8vcGmoR32 | invoice.payment_failed: in_1Pgc6tB7WZ01zgkWu9fdqL6I | https://dashboard.stripe.com/test/events/evt_1Pgc76B7WZ01zgkWwyRHS12y |  |  |  | test
stripe-charge.dispute.created.json | dispute | high | payment | open | dp_1Pgc71B7WZ01zgkWMevJiAUx |  | Dispute of ch_1PgafuB7WZ01zgkWXYmPNZs8: general | https://dashboard.stripe.com/test/events/evt_1Pgc76B7WZ01zgkWwyRHS12y |  |  |  | test
stripe-payment_intent.succeeded.json | payment_succeeded | info | payment | succeeded | pi_1PgafyB7WZ01zgkWSjxsAJo3 |  | payment_intent.succeeded: pi_1PgafyB7WZ01zgkWSjxsAJo3 | https://dashboard.stripe.com/test/events/evt_1Pgc76B7WZ01zgkWwyRHS12y |  |  |  | test
stripe-customer.subscription.deleted.json | subscription_ended | low | payment | cancelled | sub_1Pgc6rB7WZ01zgkWNy0Cn5nw | cus_QXg1o8vcGmoR32 | customer.subscription.deleted: sub_1Pgc6rB7WZ01zgkWNy0Cn5nw | https://dashboard.stripe.com/test/events/evt_1Pgc76B7WZ01zgkWwyRHS12y |  |  |  | test
gitlab-push.json | push | info | code | unknown | mike/diaspora | jsmith | Merge branch 'some-feature' into 'master' | http://example.com/mike/diaspora/commit/b6568db1bc1dcd7f8b4d5a946b0b91f9dacd7327 |  | master |  |
gitlab-merge_request.json | merge_request | info | code | open | gitlabhq/gitlab-test | user1 | MS-Viewport | http://example.com/diaspora/merge_requests/1 |  | ms-viewport |  |
gitlab-pipeline.json | pipeline | info | build | succeeded | gitlab-org/gitlab-test | user1 | Pipeline on master: success | http://192.168.64.1:3005/gitlab-org/gitlab-test/-/pipelines/31 |  | master |  |
gitlab-issue.json | issue | high | issue | open | gitlabhq/gitlab-test | root | New API: create/update/delete file | http://example.com/diaspora/issues/23 |  |  |  |
gitlab-deployment.json | deployment | info | deploy | succeeded | root/test-deployment-webhooks | user1 | Deployment to staging: success | http://10.126.0.2:3000/root/test-deployment-webhooks/-/jobs/796 | staging | 1.0.0 |  |
gitlab-note_merge_request.json | note | info | code | open | gitlab-org/gitlab-test | root | Comment on "Tempora et eos debitis quae laborum et." | http://example.com/gitlab-org/gitlab-test/merge_requests/1#note_1244 |  | master |  |
bitbucket-repo-push.json | push | info | code | unknown | team_name/repo_name | emmap1 | new commit message | https://bitbucket.org/user_name/repo_name/branches/compare/c4b2b7914156a878aa7c9da452a09fb50c2091f2..b99ea6dad8f416e57c5ca78c1ccef590600d841b |  | name-of-branch |  |
bitbucket-pullrequest-created.json | pull_request | info | code | unknown | team_name/repo_name | emmap1 | Title of pull request | https://api.bitbucket.org/pullrequest_id |  | branch2 |  |
azuredevops-build.complete.json | build | info | build | succeeded | ConsumerAddressModule | Normal Paulk | Build ConsumerAddressModule_20150407.2 succeeded | https://dev.azure.com/fabrikam-fiber-inc/DefaultCollection/71777fbc-1cf2-4bd1-9540-128c1c71f766/_apis/build-release/Builds/2 |  |  |  |
dockerhub-push.json | image_push | info | build | succeeded | svendowideit/testhook | trustedbuilder | Pushed svendowideit/testhook:latest | https://registry.hub.docker.com/u/svendowideit/testhook/ |  |  |  |
gitea-push.json | push | info | code | unknown | example/example | example | example | http://localhost:3000/example/example/compare/0000000000000000000000000000000000000000...67b56589a45103f891bdee7c0546e5d40bc02001 |  | master |  |
jira-issue_created.json | issue | high | issue | open | TES-41 | Test User | Unit test summary | https://some-instance-test.atlassian.net/browse/TES-41 |  |  |  |
jira-issue_updated-resolved.json | issue | high | issue | resolved | TES-41 | Test User | Unit test summary 1 | https://some-instance-test.atlassian.net/browse/TES-41 |  |  |  |
jira-comment_created.json | comment | high | issue | open | TES-41 | Test User | Comment on TES-41: Unit test summary 1 | https://some-instance-test.atlassian.net/browse/TES-41 |  |  |  |
jira-issue_updated-raised-priority.json | issue | high | issue | open | TES-41 | Test User | Unit test summary 1 | https://some-instance-test.atlassian.net/browse/TES-41 |  |  |  |
pagerduty-incident.priority_updated.json | incident | critical | incident | open | API Service | Tenex Engineer | A little bump in the road | https://acme.pagerduty.com/incidents/PGR0VU2 |  |  |  |
alertmanager-firing-group.json | alert | critical | alert | open | node |  | InstanceDown: 10.4.0.11:9100 does not answer | https://runbooks.example.test/instance-down |  |  | 3 |
alertmanager-resolved-group.json | alert | critical | alert | resolved | node |  | InstanceDown: 10.4.0.11:9100 does not answer | https://runbooks.example.test/instance-down |  |  | 3 |
grafana-alerting-firing.json | alert | critical | alert | open | checkout |  | [FIRING:1] HighErrorRate (checkout) | https://grafana.example.test/d/abc?viewPanel=4 |  |  |  |
grafana-alert-rule.json | alert_rule | medium | alert | unknown | keep_group_2 |  | High Memory Usage |  |  |  |  |
datadog-monitor-alert.json | monitor | medium | alert | unknown | monitor 1234567890 |  | High CPU Usage |  | production |  |  |
sentry-legacy-webhook-plugin.json | issue | high | alert | open | frontend-app |  | Failed to fetch user profile | https://keep-dr.sentry.io/issues/4616132097/ | production |  |  |
gcpmonitoring-incident.json | incident | critical | alert | open | Production Web Cluster |  | High rate of 5XX errors detected in production environment | https://console.cloud.google.com/monitoring/alerting/incidents/123 | production |  |  |
sentry-issue.created.json | issue | high | alert | open | ipe | Sentry | Error #1: This is a test error! |  |  |  |  |
sentry-metric_alert.critical.json | metric_alert | critical | alert | open | metric alert | Sentry | metric alert | https://sentry.io/ |  |  |  |
falco-test-rule.json | rule | info | security | open | test-host |  | Test rule |  |  |  |  |
falco-write-below-binary-dir.json | rule | high | security | open | localhost | root | Write below binary dir |  |  |  |  |
trivy-operator-vulnerabilityreport.json | vulnerability_report | critical | security | open |  |  | foo bar very baz |  |  |  |  |
trivy-operator-exposedsecretreport.json | exposed_secret_report | critical | security | open |  |  | bad bad secret |  |  |  |  |
trivy-operator-configauditreport.json | config_audit_report | high | security | open | default/ReplicaSet/wordpress-84bbf6f4dd |  | Configuration audit of ReplicaSet wordpress-84bbf6f4dd |  |  |  | 13 |
policyreport-sample-cis-k8s.json | policy_report | medium | security | open | sample-cis-bench-api-server | kube-cis | CIS Kubernetes Benchmarks: 2 failed, 8 passed |  |  |  | 3 |
policyreport-sample-v1beta1-kyverno.json | policy_report | info | security | resolved | sample-v1beta1-cr | kyverno | Sample CR: 0 failed, 1 passed |  |  |  | 0 |
policyreport-sample-v1beta2-kyverno.json | policy_report | info | security | resolved | sample-v1beta2-cr | kyverno | Sample CR: 0 failed, 1 passed |  |  |  | 0 |
aws-sns-cloudwatch-alarm.json | cloudwatch_alarm | high | alert | open | TestInstance |  | EXAMPLE is ALARM: Threshold Crossed: 1 out of the last 1 datapoints [1234.0 (06/03/15 17:43:27)] was greater than the threshold (0.0) (minimum 1 datapoint for OK -> ALARM transition). |  |  |  |  |
sendgrid-event-batch.json | mail_events | medium | message | unknown | invalid@gmail.com |  | Mail processed and more, to invalid@gmail.com |  |  |  | 2 |
square-webhooks.test_notification.json | test_notification | info | lifecycle | unknown | bc368e64-01aa-407e-b46e-3231809b1129 | MLEFBHHSJGVHD | webhooks.test_notification of MLEFBHHSJGVHD |  |  |  |  | test
hubspot-contact.creation.json | object_change | info | contact | unknown | 123 | CRM | contact.creation of 123 |  |  |  |  |
adyen-balancePlatform.accountHolder.created.json | balance_platform | info | payment | unknown | AH00000000000000000001 | YOUR_BALANCE_PLATFORM | balancePlatform.accountHolder.created: Shelly Eller |  | test |  |  | test
box-FILE.UPLOADED.json | item | info | file | unknown | Test.txt |  | FILE.UPLOADED: Test.txt |  |  |  |  |
zoom-meeting.started.json | meeting | info | meeting | in_progress | Ops | x1yCzABCDEfg23HiJKl4mN | meeting.started: Ops |  |  |  |  |
slack-slash-command.txt | slash_command | info | chat | unknown | foobar | roadrunner | /webhook-collect |  |  |  |  |
adyen-AUTHORISATION.json | payment | info | payment | succeeded | 123456789 | MagentoMerchantTest2 | AUTHORISATION of 8313842560770001 |  | test |  |  | test
paddle-adjustment.created.json | adjustment | low | payment | in_progress | adj_01h8c6tbrkpdd7vx61w7b1r0ap | ctm_01h8441jn5pcwrfhwh78jqt8hk | adjustment.created: refund of txn_01h8bxpvx398a7zbawb77y0kp5 |  |  |  |  |
workos-dsync.user.json | directory | info | identity | unknown | directory_user_01FAEAJCR3ZBZ30D8BD1924TVG | Blair Lunchford | dsync.user.created: Blair Lunchford |  |  |  |  |
slack-url_verification.json | url_verification | info | lifecycle | unknown |  |  | Slack verifies the URL |  |  |  |  |
circleci-workflow-completed.json | workflow | info | build | succeeded | github/circleci/webhook-service | Author Name | build-test-deploy: success | https://app.circleci.com/pipelines/github/circleci/webhook-service/130/workflows/fda08377-fe7e-46b1-8992-3a7aaecac9c3 |  | main |  |
`
