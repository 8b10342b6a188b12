import { startWebhookReceiver } from '../../test/fakes/receiver.ts'
import { connectorContract } from '../contract.ts'
import { webhook } from './index.ts'

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`

connectorContract('webhook', {
  kind: webhook,
  start: startWebhookReceiver,
  destination: ({ url }) => ({ config: { url: `${url}/hook` } }),
  secrets: () => ({ signing: [secret] }),
  effects: ({ arrivals }) => arrivals.length,
  statusIsSuccess: true,
  idempotencyKey: ({ arrivals }) => arrivals.map(({ headers }) => headers['webhook-id']),
})
