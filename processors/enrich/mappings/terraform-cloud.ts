import type { Mapping } from '../mapping.ts'

const trigger = 'notifications.0.trigger'

/** Runs of HCP Terraform; drift and checks come as assessments. */
export const terraformCloud: Mapping = {
  provider: 'terraform-cloud',
  detect: [[{ path: 'notification_configuration_id' }, { path: 'payload_version' }]],
  kinds: [
    {
      kind: 'run',
      when: { path: trigger, prefix: 'run:' },
      severity: {
        path: trigger,
        map: { 'run:errored': 'high', 'run:needs_attention': 'medium' },
      },
      status: {
        path: trigger,
        map: {
          'run:created': 'in_progress',
          'run:planning': 'in_progress',
          'run:applying': 'in_progress',
          'run:needs_attention': 'open',
          'run:completed': 'succeeded',
          'run:errored': 'failed',
        },
      },
    },
    {
      kind: 'assessment',
      when: { path: trigger, prefix: 'assessment:' },
      category: { value: 'alert' },
      severity: { value: 'medium' },
      status: { value: 'open' },
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'deploy' },
    resource: { path: ['workspace_name', 'organization_name'] },
    actor: { path: ['notifications.0.run_updated_by', 'run_created_by'] },
    title: [
      { template: '{notifications.0.message}: {workspace_name}' },
      { path: 'notifications.0.message' },
    ],
    url: { path: 'run_url' },
    fingerprint: [{ path: ['workspace_id', 'organization_name'] }],
  },
}
