import { expect, it } from 'vitest'
import type { StoryDispatch } from '../core/decisions/story.ts'
import { tellStory } from './story.ts'

it('tells a delivery of a replay from the one that it repeats', () => {
  const dispatchOf = (run: string): StoryDispatch => ({
    ...{ id: 'dsp_1', destination: 'oncall', route: 'all', run, status: 'delivered' },
    attempts: [],
  })
  const told = tellStory({
    ...{ id: 'e', tenant: 'acme', source: 'hook', type: 'push', status: 'delivered' },
    ...{ receivedAt: '2026-01-01T00:00:00.000Z', decisions: [] },
    dispatches: [dispatchOf('live'), dispatchOf('rpl_7')],
  })
  expect(told.split('\n').slice(-3)).toEqual([
    '  oncall: delivered (dsp_1)',
    '  oncall: delivered (dsp_1)  replay rpl_7',
    '',
  ])
})
