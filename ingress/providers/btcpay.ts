import type { Preset } from './preset.ts'

export const btcpay: Preset = {
  name: 'btcpay',
  title: 'BTCPay Server',
  docs: 'https://docs.btcpayserver.org/API/Greenfield/v1/#tag/Webhooks',
  evidence: {
    checked: 'documentation',
    source: 'Greenfield API, Webhooks, BTCPay-Sig',
    url: 'https://docs.btcpayserver.org/API/Greenfield/v1/#tag/Webhooks',
  },
  schemes: [
    { name: 'sha256', verify: { scheme: 'hmac', header: 'btcpay-sig', prefix: 'sha256=' } },
  ],
  deliveryId: { first: [{ body: 'originalDeliveryId' }, { body: 'deliveryId' }] },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The secret of the webhook: store settings, Webhooks',
  samples: [
    {
      type: 'InvoiceSettled',
      body: {
        deliveryId: 'FzVcgMQSiE6cHtqWdJn9aV',
        webhookId: 'Wd2o2PjU1mXRkXg8xZQ1cT',
        originalDeliveryId: 'FzVcgMQSiE6cHtqWdJn9aV',
        isRedelivery: false,
        type: 'InvoiceSettled',
        timestamp: 1592312018,
        storeId: '9CiNzKoANXxmk5ayZngSXrHTiVvvgCrwrpFQd4m2K776',
        invoiceId: 'KQ4h4zA3JvUDBo7DZ8uBVg',
        manuallyMarked: false,
        overPaid: false,
      },
    },
  ],
}
