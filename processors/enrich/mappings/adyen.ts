import type { FactRules, Mapping } from '../mapping.ts'

const item = 'notificationItems.0.NotificationRequestItem'

/** A dispute without `originalReference` has the payment's own in its place. */
const payment: FactRules['fingerprint'] = [
  { path: [`${item}.originalReference`, `${item}.pspReference`] },
]

// `success` says whether the notified event took place, not whether it is good news: these come with `true`.
const disputed = [
  'NOTIFICATION_OF_FRAUD',
  'REQUEST_FOR_INFORMATION',
  'NOTIFICATION_OF_CHARGEBACK',
  'DISPUTE_OPENED_WITH_CHARGEBACK',
  'CHARGEBACK',
  'SECOND_CHARGEBACK',
  'INFORMATION_SUPPLIED',
  'ISSUER_COMMENTS',
  'DISPUTE_DEFENSE_PERIOD_ENDED',
  'PREARBITRATION_OPEN',
  'PREARBITRATION_LOST',
  'SCHEME_ARBITRATION_LOST',
]

const won = [
  'CHARGEBACK_REVERSED',
  'ISSUER_RESPONSE_TIMEFRAME_EXPIRED',
  'PREARBITRATION_WON',
  'SCHEME_ARBITRATION_WON',
]

/** Beside those whose name ends with `_FAILED`. */
const failed = [
  'PAYMENT_FAILURE',
  'REFUNDED_REVERSED',
  'PAIDOUT_REVERSED',
  'PAYOUT_DECLINE',
  'PAYOUT_EXPIRE',
]

const failure: FactRules = {
  severity: { value: 'high' },
  status: { value: 'failed' },
  fingerprint: payment,
}

/** Both of Adyen's forms: classic notifications, and those of its banking platform. */
export const adyen: Mapping = {
  provider: 'adyen',
  detect: [[{ path: item }], [{ path: 'type', prefix: 'balancePlatform.' }, { path: 'data' }]],
  kinds: [
    {
      kind: 'chargeback',
      when: { path: `${item}.eventCode`, is: disputed },
      severity: { value: 'high' },
      status: { value: 'open' },
      fingerprint: payment,
    },
    {
      kind: 'chargeback_won',
      about: 'chargeback',
      when: { path: `${item}.eventCode`, is: won },
      severity: { value: 'low' },
      status: { value: 'resolved' },
      fingerprint: payment,
    },
    {
      kind: 'payment_failure',
      about: 'payment',
      when: { path: `${item}.eventCode`, suffix: '_FAILED' },
      ...failure,
    },
    {
      kind: 'payment_failure',
      about: 'payment',
      when: { path: `${item}.eventCode`, is: failed },
      ...failure,
    },
    {
      kind: 'payment',
      when: { path: `${item}.eventCode` },
      severity: { path: `${item}.success`, map: { true: 'info', false: 'medium' } },
      status: { path: `${item}.success`, map: { true: 'succeeded', false: 'failed' } },
      fingerprint: payment,
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
