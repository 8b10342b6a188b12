import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../contract-harness.ts'
import { type Committer, createCommits } from './commits.ts'
import { createNames } from './names.ts'
import { keepVigil, type Watched } from './vigil.ts'

type Offsets = Parameters<Committer['commitOffsets']>[0]

const events = {
  COMMIT_OFFSETS: 'commit',
  CRASH: 'crash',
  GROUP_JOIN: 'join',
  HEARTBEAT: 'heartbeat',
  FETCH_START: 'ask',
  FETCH: 'fetch',
}

/** The part of a kafkajs consumer that tells what happens to it. */
const fakeConsumer = (commitOffsets: (offsets: Offsets, stored: () => void) => Promise<void>) => {
  const emitter = new EventEmitter()
  const asked: Offsets[] = []
  const consumer = {
    events,
    on: (event: string, listener: (event: unknown) => void) => {
      emitter.on(event, listener)
      return () => emitter.off(event, listener)
    },
    commitOffsets: (offsets: Offsets) => {
      asked.push(offsets)
      return commitOffsets(offsets, () => emitter.emit(events.COMMIT_OFFSETS))
    },
  } as unknown as Committer & Watched
  return { consumer, emitter, asked }
}

const rig = (commitOffsets: (offsets: Offsets, stored: () => void) => Promise<void>) => {
  const { consumer, asked, emitter } = fakeConsumer(commitOffsets)
  const state = { epoch: 1, consumer: consumer as Committer | undefined }
  const givenUp: string[] = []
  const commits = createCommits({
    names: createNames('zenhook'),
    epoch: () => state.epoch,
    consumer: () => state.consumer,
    limitMs: 50,
    giveUp: (_, error) => givenUp.push(error.message),
  })
  return { commits, asked, state, givenUp, emitter }
}

describe('commits of a group', () => {
  it('go one at a time, and the newest of a partition stands for those before it', async () => {
    const { commits, asked } = rig(async (_, stored) => stored())
    const first = commits.commit('received', 0, 1, 1)
    const others = [4, 7, 5].map((next) => commits.commit('received', 0, next, 1))
    const another = commits.commit('received', 1, 3, 1)
    await Promise.all([first, ...others, another])
    expect(asked).toEqual([
      [
        { topic: 'zenhook.received.v1', partition: 0, offset: '7' },
        { topic: 'zenhook.received.v1', partition: 1, offset: '3' },
      ],
    ])
  })

  it('count only where the consumer says that they are stored', async () => {
    const { commits } = rig(async () => undefined)
    expect(await codeOf(commits.commit('received', 0, 1, 1))).toBe('ZENHOOK_LOG_NOT_OWNER')
  })

  it('of a generation that is over are refused, and nothing is asked', async () => {
    const { commits, asked, state } = rig(async (_, stored) => stored())
    state.epoch = 2
    expect(await codeOf(commits.commit('received', 0, 1, 1))).toBe('ZENHOOK_LOG_NOT_OWNER')
    expect(asked).toEqual([])
  })

  it('without any answer are given up, with their consumer, and the next go on', async () => {
    let isSilent = true
    const { commits, givenUp } = rig((_, stored) => {
      if (isSilent) return new Promise(() => undefined)
      stored()
      return Promise.resolve()
    })
    expect(await codeOf(commits.commit('received', 0, 1, 1))).toBe('ZENHOOK_LOG_UNAVAILABLE')
    expect(givenUp).toEqual(['A commit has no answer after 50 ms'])
    isSilent = false
    expect(await codeOf(commits.commit('received', 0, 1, 1))).toBe('resolved')
    await commits.idle()
  })
})

describe('the vigil over a consumer', () => {
  const silent = Symbol('silent')
  const outcome = (over: Promise<Error>, ms: number): Promise<unknown> =>
    Promise.race([over, new Promise((resolve) => setTimeout(() => resolve(silent), ms))])

  it('ends when nothing was heard for too long', async () => {
    const vigil = keepVigil(fakeConsumer(async () => undefined).consumer, 200)
    expect(await outcome(vigil.over, 3_000)).toMatchObject({
      message: 'The consumer starts anew: nothing was heard of it for 200 ms',
    })
    expect(vigil.isOver()).toBe(true)
    vigil.close()
  })

  it('goes on while it fetches, beats or joins', async () => {
    const { consumer, emitter } = fakeConsumer(async () => undefined)
    const vigil = keepVigil(consumer, 1_500)
    const signs = [events.FETCH, events.HEARTBEAT, events.GROUP_JOIN]
    let count = 0
    const payload = { nodeId: 1 }
    const living = setInterval(() => {
      emitter.emit(events.FETCH_START, { payload })
      emitter.emit(signs[count++ % signs.length] ?? '', { payload })
    }, 100)
    expect(await outcome(vigil.over, 2_600)).toBe(silent)
    clearInterval(living)
    vigil.close()
    expect(emitter.eventNames()).toEqual([])
  })

  it('ends when one broker owes an answer, whatever the others say', async () => {
    const { consumer, emitter } = fakeConsumer(async () => undefined)
    const vigil = keepVigil(consumer, 500)
    emitter.emit(events.FETCH_START, { payload: { nodeId: 1 } })
    const living = setInterval(() => {
      for (const event of [events.FETCH_START, events.FETCH])
        emitter.emit(event, { payload: { nodeId: 2 } })
    }, 50)
    expect(await outcome(vigil.over, 3_000)).toBeInstanceOf(Error)
    clearInterval(living)
    vigil.close()
  })

  it('ends with a crash', async () => {
    const { consumer, emitter } = fakeConsumer(async () => undefined)
    const vigil = keepVigil(consumer, 10_000)
    emitter.emit(events.CRASH, { payload: { error: new Error('no broker') } })
    expect(await outcome(vigil.over, 1_000)).toMatchObject({ message: 'The consumer starts anew' })
    vigil.close()
  })
})
