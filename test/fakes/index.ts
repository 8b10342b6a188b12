export { type FakeIssue, type FakeJira, startFakeJira } from './jira.ts'
export {
  type Answer,
  type Arrival,
  type Fault,
  type Receiver,
  startReceiver,
  startWebhookReceiver,
} from './receiver.ts'
export { type FakeServiceNow, startFakeServiceNow } from './servicenow.ts'
export { type FakeSlack, startFakeSlack } from './slack.ts'
