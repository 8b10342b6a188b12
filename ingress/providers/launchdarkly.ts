import type { Preset } from './preset.ts'

export const launchdarkly: Preset = {
  name: 'launchdarkly',
  title: 'LaunchDarkly',
  docs: 'https://launchdarkly.com/docs/home/infrastructure/webhooks',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks, Signing webhooks',
    url: 'https://launchdarkly.com/docs/home/infrastructure/webhooks',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'x-ld-signature' } }],
  deliveryId: { body: '_id' },
  idCovered: true,
  bodyCovered: true,
  type: { join: [{ body: 'kind' }, { body: 'accesses.0.action' }] },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The secret of the webhook: Integrations, Webhooks, Sign this webhook',
  samples: [
    {
      type: 'flag.updateOn',
      body: {
        _id: '57c0a8e29969090743529965',
        date: 1472243938774,
        accesses: [{ action: 'updateOn', resource: 'proj/shop:env/production:flag/new-checkout' }],
        kind: 'flag',
        name: 'New checkout',
        description: '',
        titleVerb: 'turned on the flag',
        title: 'Ada Example turned on the flag New checkout in Production',
        member: { _id: '548f6741c1efad40031b18ae', email: 'ada@example.com' },
      },
    },
  ],
}
