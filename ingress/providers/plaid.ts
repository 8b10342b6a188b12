import type { Preset } from './preset.ts'

export const plaid: Preset = {
  name: 'plaid',
  title: 'Plaid',
  docs: 'https://plaid.com/docs/api/webhooks/webhook-verification/',
  evidence: {
    checked: 'documentation',
    source: 'Verify webhooks',
    url: 'https://plaid.com/docs/api/webhooks/webhook-verification/',
  },
  schemes: [
    {
      name: 'jwt',
      verify: {
        scheme: 'jwt',
        header: 'plaid-verification',
        prefix: '',
        algorithms: ['ES256'],
        bodyHash: 'request_body_sha256',
        required: ['iat', 'request_body_sha256'],
        leeway: '30s',
        maxLifetime: '5m',
      },
    },
  ],
  idCovered: false,
  bodyCovered: true,
  type: { join: [{ body: 'webhook_type' }, { body: 'webhook_code' }] },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret:
    'The key that /webhook_verification_key/get gives for the kid of the token, as a JWK; several while Plaid rotates',
  notes: [
    'The documentation asks for 200 and Zenhook answers 202: should a webhook come again, it has a new token and no id, so nothing tells it as a copy.',
    'Plaid rotates its keys: a token of a new kid is refused until its key is one of the secrets.',
  ],
  samples: [
    {
      type: 'ITEM.ERROR',
      body: {
        webhook_type: 'ITEM',
        webhook_code: 'ERROR',
        item_id: 'wz666MBjYWTp2PDzzggYhM6oWWmBb',
        environment: 'production',
        error: {
          error_type: 'ITEM_ERROR',
          error_code: 'ITEM_LOGIN_REQUIRED',
          error_message: 'the login details of this item have changed',
          status: 400,
        },
      },
    },
  ],
}
