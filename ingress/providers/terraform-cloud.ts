import type { Preset } from './preset.ts'

export const terraformCloud: Preset = {
  name: 'terraform-cloud',
  aliases: ['hcp-terraform'],
  title: 'HCP Terraform',
  docs: 'https://developer.hashicorp.com/terraform/cloud-docs/api-docs/notification-configurations#notification-authenticity',
  evidence: {
    checked: 'documentation',
    source: 'Notification configurations, Notification authenticity',
    url: 'https://developer.hashicorp.com/terraform/cloud-docs/api-docs/notification-configurations#notification-authenticity',
  },
  schemes: [
    {
      name: 'sha512',
      verify: { scheme: 'hmac', header: 'x-tfe-notification-signature', algorithm: 'sha512' },
    },
  ],
  deliveryId: {
    join: [
      { body: 'run_id' },
      { body: 'notifications.0.trigger' },
      { body: 'notifications.0.run_updated_at' },
    ],
    with: ':',
    every: true,
  },
  idCovered: true,
  bodyCovered: true,
  // Payload 1 tells of runs, payload 2 of assessments and workspaces.
  type: { first: [{ body: 'notifications.0.trigger' }, { body: 'trigger' }] },
  defaultType: 'verification',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The token of the notification: workspace settings, Notifications',
  samples: [
    {
      type: 'run:errored',
      body: {
        payload_version: 1,
        notification_configuration_id: 'nc-AeUQ2zfKZzW9TiGZ',
        run_url: 'https://app.terraform.io/app/acme/payments/runs/run-FwnENkvDnrpyFC7M',
        run_id: 'run-FwnENkvDnrpyFC7M',
        run_message: 'Add five new queue workers',
        run_created_at: '2019-01-25T18:34:00.000Z',
        run_created_by: 'ada',
        workspace_id: 'ws-XdeUVMWShTesDMME',
        workspace_name: 'payments',
        organization_name: 'acme',
        notifications: [
          {
            message: 'Run Errored',
            trigger: 'run:errored',
            run_status: 'errored',
            run_updated_at: '2019-01-25T18:37:04.000Z',
            run_updated_by: 'ada',
          },
        ],
      },
    },
    {
      type: 'assessment:drifted',
      body: {
        payload_version: '2',
        notification_configuration_id: 'nc-AeUQ2zfKZzW9TiGZ',
        notification_configuration_url:
          'https://app.terraform.io/api/v2/notification-configurations/nc-AeUQ2zfKZzW9TiGZ',
        trigger_scope: 'assessment',
        trigger: 'assessment:drifted',
        message: 'Drift Detected',
        details: {
          new_assessment_result: {
            id: 'asmtres-7ZkXwQ2mVbN4cRt1',
            succeeded: true,
            drifted: true,
            resources_drifted: 2,
            created_at: '2025-02-04T13:17:54.000Z',
          },
          workspace_id: 'ws-XdeUVMWShTesDMME',
          workspace_name: 'payments',
          organization_name: 'acme',
        },
      },
    },
  ],
}
