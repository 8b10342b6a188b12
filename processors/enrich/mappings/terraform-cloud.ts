import type { FactRules, Mapping } from '../mapping.ts'

const trigger = 'notifications.0.trigger'

const assessment: FactRules = {
  category: { value: 'alert' },
  severity: {
    path: [trigger, 'trigger'],
    map: {
      'assessment:drifted': 'medium',
      'assessment:check_failure': 'high',
      'assessment:failed': 'medium',
    },
  },
  status: { value: 'open' },
}

/** Runs of HCP Terraform in payload 1; drift, checks and the end of a workspace in payload 2. */
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
    { kind: 'assessment', when: { path: 'trigger', prefix: 'assessment:' }, ...assessment },
    { kind: 'assessment', when: { path: trigger, prefix: 'assessment:' }, ...assessment },
    {
      kind: 'workspace',
      when: { path: 'trigger', prefix: 'workspace:' },
      severity: { path: 'trigger', map: { 'workspace:auto_destroy_reminder': 'low' } },
    },
    {
      kind: 'verification',
      when: { path: trigger, is: 'verification' },
      category: { value: 'lifecycle' },
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'deploy' },
    resource: {
      path: [
        'workspace_name',
        'details.workspace_name',
        'organization_name',
        'details.organization_name',
      ],
    },
    actor: { path: ['notifications.0.run_updated_by', 'run_created_by'] },
    title: [
      {
        template: '{notifications.0.message|message}: {workspace_name|details.workspace_name}',
      },
      { path: ['notifications.0.message', 'message'] },
    ],
    url: { path: 'run_url' },
    fingerprint: [
      {
        path: [
          'workspace_id',
          'details.workspace_id',
          'organization_name',
          'details.organization_name',
        ],
      },
    ],
  },
}
