import type { Mapping } from '../mapping.ts'

const item = 'notificationItems.0.NotificationRequestItem'

/** Both of Adyen's forms: classic notifications, and those of its banking platform. */
export const adyen: Mapping = {
  provider: 'adyen',
  detect: [[{ path: item }], [{ path: 'type', prefix: 'balancePlatform.' }, { path: 'data' }]],
  kinds: [
    {
      kind: 'chargeback',
      when: {
        path: `${item}.eventCode`,
        is: [
          'CHARGEBACK',
          'NOTIFICATION_OF_CHARGEBACK',
          'REQUEST_FOR_INFORMATION',
          'NOTIFICATION_OF_FRAUD',
        ],
      },
      severity: { value: 'high' },
      status: { value: 'open' },
      fingerprint: [{ path: [`${item}.originalReference`, `${item}.pspReference`] }],
    },
    {
      kind: 'payment',
      when: { path: `${item}.eventCode` },
      severity: { path: `${item}.success`, map: { true: 'info', false: 'medium' } },
      status: { path: `${item}.success`, map: { true: 'succeeded', false: 'failed' } },
      fingerprint: [{ path: [`${item}.originalReference`, `${item}.pspReference`] }],
    },
    {
      kind: 'balance_platform',
      when: { path: 'type', prefix: 'balancePlatform.' },
      severity: { value: 'info' },
      resource: { path: ['data.accountHolder.id', 'data.balanceAccount.id', 'data.id'] },
      actor: { path: 'data.balancePlatform' },
      title: {
        template:
          '{type}: {data.accountHolder.description|data.description|data.accountHolder.id|data.id}',
      },
      environment: { path: 'environment' },
      test: { path: 'environment', is: 'test' },
      fingerprint: [{ path: ['data.accountHolder.id', 'data.balanceAccount.id', 'data.id'] }],
    },
  ],
  facts: {
    category: { value: 'payment' },
    resource: { path: [`${item}.pspReference`, `${item}.merchantReference`] },
    actor: { path: `${item}.merchantAccountCode` },
    title: { template: `{${item}.eventCode} of {${item}.merchantReference|${item}.pspReference}` },
    environment: { path: 'live', map: { true: 'live', false: 'test' } },
    test: { path: 'live', is: 'false' },
    count: 'notificationItems',
  },
}
