import type { Preset } from './preset.ts'

export const alertmanager: Preset = {
  name: 'alertmanager',
  title: 'Prometheus Alertmanager',
  docs: 'https://prometheus.io/docs/alerting/latest/configuration/#http_config',
  evidence: {
    checked: 'documentation',
    source: 'Prometheus configuration, http_config',
    url: 'https://prometheus.io/docs/alerting/latest/configuration/#http_config',
  },
  schemes: [
    {
      name: 'basic',
      when: { header: 'authorization', begins: 'basic ' },
      secrets: { contains: ':' },
      verify: { scheme: 'basic' },
    },
    { name: 'bearer', verify: { scheme: 'bearer' } },
  ],
  // A group's key stays the same while it fires, is repeated and resolves: it is no delivery id.
  idCovered: false,
  bodyCovered: false,
  type: { join: [{ text: 'alert' }, { body: 'status' }], every: true },
  defaultType: 'alert',
  patienceMs: 10_000,
  keep: ['user-agent'],
  secret: 'user:password (basic_auth) or the token (authorization) of http_config',
  notes: ['Alertmanager signs nothing: the credential itself comes with each request.'],
  samples: [
    {
      type: 'alert.firing',
      body: {
        version: '4',
        groupKey: '{}:{alertname="InstanceDown"}',
        truncatedAlerts: 0,
        status: 'firing',
        receiver: 'zenhook',
        groupLabels: { alertname: 'InstanceDown' },
        commonLabels: { alertname: 'InstanceDown', severity: 'critical', cluster: 'eu-1' },
        commonAnnotations: { summary: 'Instance db-1 has been down for 5 minutes' },
        externalURL: 'https://alertmanager.example.com',
        alerts: [
          {
            status: 'firing',
            labels: { alertname: 'InstanceDown', instance: 'db-1:9100' },
            annotations: { summary: 'Instance db-1 has been down for 5 minutes' },
            startsAt: '2024-05-01T10:00:00.000Z',
            endsAt: '0001-01-01T00:00:00Z',
            fingerprint: '5c1a0b3d2e4f6a78',
          },
        ],
      },
    },
  ],
}
