import type { Mapping } from '../mapping.ts'

export const dockerhub: Mapping = {
  provider: 'dockerhub',
  detect: [[{ path: 'push_data' }, { path: 'repository.repo_name' }]],
  kinds: [
    {
      kind: 'image_push',
      when: { path: 'push_data' },
      title: { template: 'Pushed {repository.repo_name}:{push_data.tag}' },
      fingerprint: [{ path: 'repository.repo_name' }, { path: 'push_data.tag' }],
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'build' },
    status: { value: 'succeeded' },
    resource: { path: 'repository.repo_name' },
    actor: { path: 'push_data.pusher' },
    url: { path: 'repository.repo_url' },
  },
}
