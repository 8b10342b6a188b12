import type { Mapping } from '../mapping.ts'
import { resultSeverity, resultWords } from './words.ts'

export const heroku: Mapping = {
  provider: 'heroku',
  detect: [[{ path: 'webhook_metadata.event.include' }, { path: 'resource' }]],
  kinds: [
    {
      kind: 'release',
      when: { path: 'resource', is: 'release' },
      category: { value: 'deploy' },
      severity: { path: 'data.status', map: resultSeverity },
      status: { path: 'data.status', map: resultWords },
      title: { template: 'Release {data.version} of {data.app.name}: {data.status}' },
    },
    {
      kind: 'build',
      when: { path: 'resource', is: 'build' },
      category: { value: 'build' },
      severity: { path: 'data.status', map: resultSeverity },
      status: { path: 'data.status', map: resultWords },
      title: { template: 'Build of {data.app.name}: {data.status}' },
    },
    {
      kind: 'dyno',
      when: { path: 'resource', is: 'dyno' },
      severity: { path: 'data.state', map: { crashed: 'high', down: 'medium' } },
      title: { template: '{data.name} of {data.app.name}: {data.state}' },
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'lifecycle' },
    resource: { path: ['data.app.name', 'data.name'] },
    actor: { path: 'actor.email' },
    title: { template: '{resource} {action}' },
    fingerprint: [{ path: ['data.app.id', 'data.app.name'] }, { path: 'resource' }],
  },
}
