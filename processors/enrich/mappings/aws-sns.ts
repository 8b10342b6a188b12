import type { Mapping } from '../mapping.ts'
import { severityWords } from './words.ts'

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
      kind: 'eventbridge',
      when: [{ path: 'Message.detail-type' }, { path: 'Message.source' }],
      severity: [
        {
          path: ['Message.detail.severityLabel', 'Message.detail.severity.label'],
          map: severityWords,
        },
        { value: 'info' },
      ],
      resource: { path: 'Message.resources.*' },
      title: { template: '{Message.detail-type} of {Message.source}' },
      fingerprint: [{ path: 'Message.source' }, { path: 'Message.resources.*' }],
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
