import { describe, expect, it } from 'vitest'
import { createMemoryKv } from '../kv/memory/index.ts'
import { createJobStore, type KeptJob } from './store.ts'
import { eventReplay } from './testing.ts'
import { type JobState, noProgress } from './types.ts'

const jobOf = (id: string, state: JobState): KeptJob => ({
  ...{ id, state, by: 'admin', createdAt: 1, candidates: 0, unstored: 0, cursor: undefined },
  progress: noProgress,
})

describe('the index of jobs', () => {
  it('drops the oldest that have ended, and none that has not', async () => {
    const store = createJobStore(createMemoryKv())
    const add = (id: string, state: JobState): Promise<void> =>
      store.add(jobOf(id, state), eventReplay({}))
    const open: JobState[] = ['queued', 'running', 'paused']
    for (const state of open) await add(state, state)
    for (const state of ['done', 'cancelled', 'failed'] as const) await add(state, state)
    for (let made = 0; made < 200; made += 1) await add(`later-${made}`, 'done')
    const ids = await store.ids()
    expect(ids.length).toBe(200 + open.length)
    expect(ids.slice(0, 200)).toEqual(Array.from({ length: 200 }, (_, n) => `later-${199 - n}`))
    expect(ids.slice(200)).toEqual([...open].reverse())
    await store.change('paused', (job) => ({ ...job, state: 'cancelled' }))
    await add('last', 'queued')
    expect((await store.ids()).slice(200)).toEqual(['running', 'queued'])
  })
})
