import type { Preset } from './preset.ts'

export const sonarqube: Preset = {
  name: 'sonarqube',
  aliases: ['sonarcloud'],
  title: 'SonarQube',
  docs: 'https://docs.sonarsource.com/sonarqube-server/latest/project-administration/webhooks/',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks, Securing your webhooks',
    url: 'https://docs.sonarsource.com/sonarqube-server/latest/project-administration/webhooks/',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'x-sonar-webhook-hmac-sha256' } }],
  deliveryId: { body: 'taskId' },
  idCovered: true,
  bodyCovered: true,
  type: { join: [{ text: 'quality_gate' }, { body: 'qualityGate.status' }] },
  defaultType: 'analysis',
  patienceMs: 10000,
  keep: ['x-sonarqube-project', 'user-agent'],
  secret: 'The secret of the webhook: project settings, Webhooks',
  samples: [
    {
      type: 'quality_gate.ERROR',
      headers: { 'x-sonarqube-project': 'acme_payments' },
      body: {
        serverUrl: 'https://sonar.example.com',
        taskId: 'AVh21JS2JepAEhwQ-b3u',
        status: 'SUCCESS',
        analysedAt: '2016-11-18T10:46:28+0100',
        revision: 'ec26c3e57ca3a959ca5aad62de7213c562f8c821',
        project: {
          key: 'acme_payments',
          name: 'Payments',
          url: 'https://sonar.example.com/dashboard?id=acme_payments',
        },
        branch: { name: 'main', type: 'LONG', isMain: true },
        qualityGate: {
          name: 'Sonar way',
          status: 'ERROR',
          conditions: [
            {
              metric: 'new_coverage',
              operator: 'LESS_THAN',
              value: '14',
              status: 'ERROR',
              errorThreshold: '65',
            },
          ],
        },
      },
    },
  ],
}
