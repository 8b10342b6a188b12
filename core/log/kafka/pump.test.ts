import { describe, expect, it } from 'vitest'
import type { Batch, NewRecord } from '../port.ts'
import { logError } from './errors.ts'
import { createPump } from './pump.ts'

/** A partition that has handed out its records, with appends and commits that the test ends. */
const handedOut = async () => {
  const appends: { resolve(): void; reject(error: unknown): void }[] = []
  const commits: number[] = []
  const rig = { appends, commits, commitFails: false }
  const batch = await new Promise<Batch>((resolve) => {
    const pump = createPump(
      {
        ...{ topic: 'in', partition: 0, start: 0, maxRecords: 10, maxBytes: 1_000 },
        onBatch: async (given) => {
          resolve(given)
          return undefined
        },
        onError: () => undefined,
        flow: () => undefined,
        rewind: () => undefined,
        append: () =>
          new Promise<void>((resolve, reject) => {
            appends.push({ resolve, reject })
          }),
        commit: async (next) => {
          if (rig.commitFails) throw logError('ZENHOOK_LOG_UNAVAILABLE', 'not stored')
          commits.push(next)
        },
      },
      Promise.resolve(),
    )
    pump.offer(
      [0, 1, 2].map((offset) => ({
        ...{ topic: 'in', partition: 0, offset, timestamp: 0 },
        ...{ key: null, value: null, headers: {} },
      })),
    )
  })
  const settle = (offset: number, outputs?: readonly NewRecord[]) =>
    batch.settle({ topic: 'in', partition: 0, offset }, outputs)
  return Object.assign(rig, { settle })
}

const output: NewRecord = { topic: 'out', key: null, value: null }
const turns = () => new Promise((resolve) => setTimeout(resolve, 5))
const tooLarge = logError('ZENHOOK_LOG_RECORD_TOO_LARGE', 'too large')

describe('settles of a partition', () => {
  it('wait for the outputs of those before them', async () => {
    const { settle, appends, commits } = await handedOut()
    const all = Promise.all([settle(0, [output]), settle(1), settle(2, [output])])
    await turns()
    expect(commits).toEqual([])
    // All appends are under way at once.
    expect(appends).toHaveLength(2)
    appends[1]?.resolve()
    await turns()
    expect(commits).toEqual([])
    appends[0]?.resolve()
    await all
    expect(commits).toEqual([1, 2, 3])
  })

  it('are refused behind outputs that did not come into the log, until these are brought again', async () => {
    const { settle, appends, commits } = await handedOut()
    const ends = Promise.allSettled([settle(0, [output]), settle(1), settle(2, [output])])
    appends[0]?.reject(tooLarge)
    const reasons = (await ends).map((end) => (end.status === 'rejected' ? end.reason.code : ''))
    expect(reasons).toEqual([
      'ZENHOOK_LOG_RECORD_TOO_LARGE',
      'ZENHOOK_LOG_UNAVAILABLE',
      'ZENHOOK_LOG_UNAVAILABLE',
    ])
    appends[1]?.resolve()
    await turns()
    expect(commits).toEqual([])
    const again = settle(2, [output])
    appends[2]?.resolve()
    await again
    expect(commits).toEqual([3])
  })

  it('pass one whose outputs are in the log, though its progress was not stored', async () => {
    const rig = await handedOut()
    rig.commitFails = true
    const first = rig.settle(0, [output])
    rig.appends[0]?.resolve()
    await expect(first).rejects.toMatchObject({ code: 'ZENHOOK_LOG_UNAVAILABLE' })
    rig.commitFails = false
    await rig.settle(1)
    expect(rig.commits).toEqual([2])
  })
})
