import type { Preset, PresetScheme } from './preset.ts'

const timed = (name: string, header: string): PresetScheme => ({
  name,
  when: { header },
  verify: {
    scheme: 'hmac',
    header: 'x-grafana-alerting-signature',
    timestamp: { header, unit: 's' },
    template: '{timestamp}:{body}',
    tolerance: '5m',
  },
})

export const grafana: Preset = {
  name: 'grafana',
  title: 'Grafana Alerting',
  docs: 'https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/',
  evidence: {
    checked: 'documentation',
    source: 'Configure the webhook notifier, HMAC signature',
    url: 'https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/',
  },
  // The header of the time is named by whoever sets the contact point up; these are what Grafana's pages and tests use.
  schemes: [
    timed('timed', 'x-grafana-alerting-signature-timestamp'),
    timed('timed-short', 'x-grafana-alerting-timestamp'),
    timed('timed-plain', 'x-timestamp'),
    {
      name: 'body',
      unlike: /^\d{9,13}:/,
      verify: { scheme: 'hmac', header: 'x-grafana-alerting-signature' },
    },
  ],
  // A fingerprint stays the same while an alert fires, is repeated and resolves: it is no delivery id.
  idCovered: false,
  bodyCovered: true,
  type: { first: [{ join: [{ text: 'alert' }, { body: 'status' }], every: true }] },
  defaultType: 'alert',
  patienceMs: 10_000,
  keep: ['user-agent'],
  methods: ['PUT'],
  secret:
    'The HMAC secret of the contact point; for a timestamp header of another name set verify.timestamp.header and verify.template',
  samples: [
    {
      type: 'alert.firing',
      body: {
        receiver: 'zenhook',
        status: 'firing',
        alerts: [
          {
            status: 'firing',
            labels: { alertname: 'High error rate', service: 'payments', severity: 'critical' },
            annotations: { summary: 'Error rate of payments is above 5 %' },
            startsAt: '2022-04-08T15:31:37.000Z',
            endsAt: '0001-01-01T00:00:00Z',
            fingerprint: 'c6eadffa33fcdf37',
            values: { A: 7.2 },
          },
        ],
        groupLabels: { alertname: 'High error rate' },
        commonLabels: { severity: 'critical' },
        externalURL: 'https://grafana.example.com/',
        version: '1',
        groupKey: '{}:{alertname="High error rate"}',
        orgId: 1,
        title: '[FIRING:1] High error rate',
        state: 'alerting',
      },
    },
  ],
}
