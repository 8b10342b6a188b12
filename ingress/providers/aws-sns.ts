import type { Preset } from './preset.ts'

export const awsSns: Preset = {
  name: 'aws-sns',
  aliases: ['sns'],
  title: 'Amazon SNS',
  docs: 'https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html',
  evidence: {
    checked: 'library',
    source: 'sns-validator 0.3.5 of AWS, MessageValidator, with its certificate given',
    url: 'https://github.com/aws/aws-js-sns-message-validator',
  },
  // Listed fields are signed, MessageAttributes are not.
  schemes: [{ name: 'rsa', verify: { scheme: 'sns', tolerance: '1h' } }],
  deliveryId: { body: 'MessageId' },
  idCovered: true,
  bodyCovered: false,
  // A SubscriptionConfirmation is an event like any other: its URL is for a connector to visit.
  type: { body: 'Type' },
  defaultType: 'Notification',
  patienceMs: 15_000,
  keep: [
    'x-amz-sns-message-type',
    'x-amz-sns-message-id',
    'x-amz-sns-topic-arn',
    'x-amz-sns-subscription-arn',
    'user-agent',
  ],
  secret:
    "The topic's ARN (or verify.topics), and SNS's certificate in PEM where none can be fetched",
  notes: [
    'MessageAttributes are not signed.',
    'Any topic of any account is signed by the same certificates of Amazon, so the ARN of your topic is the secret that tells it apart.',
  ],
  samples: [
    {
      type: 'Notification',
      contentType: 'text/plain; charset=UTF-8',
      headers: {
        'x-amz-sns-message-type': 'Notification',
        'x-amz-sns-message-id': '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
        'x-amz-sns-topic-arn': 'arn:aws:sns:us-east-1:123456789012:alarms',
      },
      body: {
        Type: 'Notification',
        MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
        TopicArn: 'arn:aws:sns:us-east-1:123456789012:alarms',
        Subject: 'ALARM: payments-5xx in US East (N. Virginia)',
        Message: '{"AlarmName":"payments-5xx","NewStateValue":"ALARM","OldStateValue":"OK"}',
        Timestamp: '2012-05-02T00:54:06.655Z',
        SignatureVersion: '2',
        Signature: '',
        SigningCertURL: 'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem',
        UnsubscribeURL: 'https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe',
      },
    },
    {
      type: 'SubscriptionConfirmation',
      contentType: 'text/plain; charset=UTF-8',
      headers: { 'x-amz-sns-message-type': 'SubscriptionConfirmation' },
      body: {
        Type: 'SubscriptionConfirmation',
        MessageId: '165545c9-2a5c-472c-8df2-7ff2be2b3b1b',
        Token: '2336412f37',
        TopicArn: 'arn:aws:sns:us-east-1:123456789012:alarms',
        Message: 'You have chosen to subscribe to the topic.',
        SubscribeURL:
          'https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37',
        Timestamp: '2012-04-26T20:45:04.751Z',
        SignatureVersion: '2',
        Signature: '',
        SigningCertURL: 'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem',
      },
    },
  ],
}
