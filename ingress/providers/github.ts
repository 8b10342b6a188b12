import type { Preset } from './preset.ts'

export const github: Preset = {
  name: 'github',
  title: 'GitHub',
  docs: 'https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries',
  evidence: {
    checked: 'vector',
    source: 'Testing the webhook payload validation',
    url: 'https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries',
  },
  // The SHA-1 header that GitHub still sends beside it is never looked at.
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        header: 'x-hub-signature-256',
        prefix: 'sha256=',
        template: '{body}',
      },
    },
  ],
  deliveryId: { header: 'x-github-delivery' },
  idCovered: false,
  bodyCovered: true,
  type: { join: [{ header: 'x-github-event' }, { body: 'action' }] },
  defaultType: 'unknown',
  patienceMs: 10_000,
  keep: [
    'x-github-event',
    'x-github-delivery',
    'x-github-hook-id',
    'x-github-hook-installation-target-id',
    'x-github-hook-installation-target-type',
    'user-agent',
  ],
  secret: 'The secret of the webhook: repository settings, Webhooks, Secret',
  notes: [
    'Event, delivery id and hook id stand in headers that are not signed.',
    'The SHA-1 signature that GitHub still sends beside it is never looked at.',
  ],
  samples: [
    {
      type: 'check_run.completed',
      headers: {
        'x-github-event': 'check_run',
        'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
        'x-github-hook-id': '292430182',
        'user-agent': 'GitHub-Hookshot/044aadd',
      },
      body: {
        action: 'completed',
        check_run: {
          id: 128620228,
          name: 'build',
          head_sha: 'ec26c3e57ca3a959ca5aad62de7213c562f8c821',
          status: 'completed',
          conclusion: 'failure',
          html_url: 'https://github.com/octo-org/payments/runs/128620228',
          output: { title: 'Build failed', summary: '3 tests failed on main' },
          check_suite: { head_branch: 'main' },
        },
        repository: {
          id: 186853002,
          name: 'payments',
          full_name: 'octo-org/payments',
          default_branch: 'main',
          private: true,
        },
        sender: { login: 'octocat', id: 583231, type: 'User' },
      },
    },
    {
      type: 'issues.opened',
      headers: {
        'x-github-event': 'issues',
        'x-github-delivery': '8b1f9e70-5a1c-11ee-9d5b-0a58a9feac02',
      },
      body: {
        action: 'opened',
        issue: { number: 42, title: 'Checkout returns 500', labels: [{ name: 'bug' }] },
        repository: { full_name: 'octo-org/payments' },
        sender: { login: 'octocat' },
      },
    },
    {
      type: 'push',
      headers: {
        'x-github-event': 'push',
        'x-github-delivery': 'f6266f16-1bf3-46a5-9ea4-602e06ead473',
      },
      body: {
        ref: 'refs/heads/main',
        after: 'ec26c3e57ca3a959ca5aad62de7213c562f8c821',
        repository: { full_name: 'octo-org/payments' },
        pusher: { name: 'octocat' },
        commits: [],
      },
    },
  ],
}
