import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { admin, createRig, ended, eventReplay as events, type Rig } from './testing.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

let rig: Rig
beforeAll(async () => {
  rig = await createRig()
})
afterEach(() => rig.rest())
afterAll(() => rig.close())

it('the rate holds for what is not sent, too: each has its decisions', async () => {
  const list = Array.from({ length: 30 }, () => rig.event({ source: 'had' }))
  await rig.receive(list)
  for (const { dispatch, record } of await rig.dispatches()) rig.deliver(dispatch, record)
  const replays = rig.replays()
  const began = performance.now()
  const { id } = await replays.create(events({ filter: { source: 'had' }, rate: 20 }), admin)
  expect((await ended(replays, id)).progress.skipped).toEqual({ already_delivered: 30 })
  expect(performance.now() - began).toBeGreaterThan(1_100)
})

it('of events that are named only those are sent that the filter means, and the others are told', async () => {
  const mine = rig.event({ tenant: 'acme', source: 'named' })
  const theirs = rig.event({ tenant: 'globex', source: 'named' })
  await rig.receive([mine, theirs])
  const replays = rig.replays()
  const ids = [mine.id, theirs.id]
  const { id } = await replays.create(events({ ids, filter: { tenant: 'acme' } }), admin)
  expect((await ended(replays, id)).progress).toMatchObject({
    ...{ replayed: 1, missing: 1, missingIds: [theirs.id] },
  })
})
