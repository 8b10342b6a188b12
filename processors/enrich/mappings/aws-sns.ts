import type { Mapping } from '../mapping.ts'
import { problemWords, severityWords } from './words.ts'

/** Amazon SNS, and the services that speak through it: their own JSON lies in `Message` as text. */
export const awsSns: Mapping = {
  provider: 'aws-sns',
  detect: [
    [{ header: 'x-amz-sns-message-type' }],
    [{ path: 'TopicArn' }, { path: 'Type' }, { path: 'MessageId' }],
  ],
  json: ['Message'],
  kinds: [
    {
      kind: 'cloudwatch_alarm',
      when: [{ path: 'Message.AlarmName' }, { path: 'Message.NewStateValue' }],
      category: { value: 'alert' },
      severity: {
        path: 'Message.NewStateValue',
        map: { alarm: 'high', insufficient_data: 'low', ok: 'info' },
      },
      status: {
        path: 'Message.NewStateValue',
        map: { alarm: 'open', ok: 'resolved' },
      },
      resource: { path: ['Message.Trigger.Dimensions.*.value', 'Message.AlarmName'] },
      title: {
        template: '{Message.AlarmName} is {Message.NewStateValue}: {Message.NewStateReason}',
      },
      fingerprint: [{ path: ['Message.AlarmArn', 'Message.AlarmName'] }],
    },
    {
      kind: 'guardduty_finding',
      when: [{ path: 'Message.source', is: 'aws.guardduty' }, { path: 'Message.detail.severity' }],
      category: { value: 'security' },
      severity: [
        { when: { path: 'Message.detail.severity', atLeast: 9 }, value: 'critical' },
        { when: { path: 'Message.detail.severity', atLeast: 7 }, value: 'high' },
        { when: { path: 'Message.detail.severity', atLeast: 4 }, value: 'medium' },
        { when: { path: 'Message.detail.severity', atLeast: 1 }, value: 'low' },
      ],
      status: [
        { when: { path: 'Message.detail.service.archived', is: 'true' }, value: 'closed' },
        { value: 'open' },
      ],
      resource: {
        path: [
          'Message.detail.resource.instanceDetails.instanceId',
          'Message.detail.resource.eksClusterDetails.name',
          'Message.detail.resource.s3BucketDetails.*.name',
          'Message.detail.resource.accessKeyDetails.userName',
          'Message.detail.accountId',
        ],
      },
      title: { path: ['Message.detail.title', 'Message.detail.type'] },
      fingerprint: [{ path: 'Message.source' }, { path: 'Message.detail.id' }],
    },
    {
      kind: 'security_hub_finding',
      when: [
        { path: 'Message.source', is: 'aws.securityhub' },
        { path: 'Message.detail.findings.0' },
      ],
      category: { value: 'security' },
      severity: {
        path: 'Message.detail.findings.*.Severity.Label',
        map: severityWords,
      },
      status: [
        {
          when: { path: 'Message.detail.findings.0.RecordState', is: 'ARCHIVED' },
          value: 'closed',
        },
        {
          path: 'Message.detail.findings.0.Workflow.Status',
          map: { ...problemWords, notified: 'acknowledged' },
        },
        { value: 'open' },
      ],
      resource: {
        path: [
          'Message.detail.findings.0.Resources.*.Id',
          'Message.detail.findings.0.AwsAccountId',
        ],
      },
      title: {
        path: ['Message.detail.findings.0.Title', 'Message.detail.findings.0.GeneratorId'],
      },
      count: 'Message.detail.findings',
      fingerprint: [{ path: 'Message.source' }, { path: 'Message.detail.findings.0.Id' }],
    },
    {
      kind: 'eventbridge',
      when: [{ path: 'Message.detail-type' }, { path: 'Message.source' }],
      severity: {
        path: ['Message.detail.severityLabel', 'Message.detail.severity.label'],
        map: severityWords,
      },
      resource: { path: 'Message.resources.*' },
      title: { template: '{Message.detail-type} of {Message.source}' },
      // Where it names no resource, what it is about is known to its service alone.
      fingerprint: [
        { path: 'Message.source' },
        { path: 'Message.detail-type' },
        { path: ['Message.resources.*', 'Message.detail.eventArn', 'Message.id'] },
      ],
    },
    {
      kind: 'subscription',
      when: { path: 'Type', is: ['SubscriptionConfirmation', 'UnsubscribeConfirmation'] },
      category: { value: 'lifecycle' },
      severity: { value: 'info' },
      title: { template: '{Type} for {TopicArn}' },
      fingerprint: [{ path: 'TopicArn' }, { path: 'Type' }],
    },
  ],
  facts: {
    category: { value: 'message' },
    resource: { path: 'TopicArn' },
    title: { path: ['Subject', 'Message.title', 'Message.subject', 'Message'] },
  },
}
