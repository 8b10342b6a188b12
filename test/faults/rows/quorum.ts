import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { expect } from 'vitest'
import { isAlive } from '../../../scripts/servers/process.ts'
import { topicName, withAdmin } from '../lag.ts'
import type { Load } from '../load.ts'
import type { FaultRig } from '../rig.ts'
import { answersAll, type Row, type RowContext } from '../row.ts'
import { eventually } from './ready.ts'

const minute = 60_000
const perSecond = 40

/** Whether a topic can be made: what only the active controller of a quorum grants. */
const grants = ({ kafka }: FaultRig, topic: string): Promise<boolean> =>
  withAdmin({ kafka }, (admin) =>
    admin.createTopics({
      topics: [{ topic, numPartitions: 1, replicationFactor: 3 }],
      timeout: 2_000,
      waitForLeaders: false,
    }),
  ).then(
    // False: an earlier call was granted after it had been given up.
    () => true,
    () => false,
  )

interface Follower {
  /** Since the join began, ms; undefined until the first record came. */
  heardAfterMs(): number | undefined
  end(): Promise<void>
}

/** A consumer of a group that nobody was in before; tries again until it hears a record. */
const followAnew = ({ kafka }: FaultRig, group: string): Follower => {
  const startedAt = performance.now()
  const client = new Kafka({
    brokers: [...kafka.brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    retry: { retries: 2, initialRetryTime: 100 },
  })
  const ending = new AbortController()
  let heardAfterMs: number | undefined
  const join = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const consumer = client.consumer({ groupId: group, sessionTimeout: 6_000 })
      const crashed = new Promise<void>((resolve) => {
        consumer.on('consumer.crash', () => resolve())
        ending.signal.addEventListener('abort', () => resolve(), { once: true })
      })
      try {
        await consumer.connect()
        await consumer.subscribe({ topic: topicName('received'), fromBeginning: false })
        await consumer.run({
          async eachMessage() {
            heardAfterMs ??= Math.round(performance.now() - startedAt)
          },
        })
        await crashed
      } catch {
        // Joins again below.
      } finally {
        await consumer.disconnect().catch(() => undefined)
      }
      await sleep(500, undefined, { signal: ending.signal }).catch(() => undefined)
    }
  }
  const joining = join()
  return {
    heardAfterMs: () => heardAfterMs,
    async end() {
      ending.abort()
      await joining
    },
  }
}

/** What was answered since is delivered now, not only once the quorum is back. */
const deliversOn = async ({ sink }: FaultRig, sending: Load, since: number): Promise<number> => {
  const acknowledged = sending
    .lines()
    .filter(({ status, sentAt }) => status === 202 && sentAt >= since)
    .map(({ mark }) => mark)
  expect(acknowledged.length).toBeGreaterThan(100)
  const waiting = (): number => {
    const delivered = new Set(sink.deliveries().map(({ mark }) => mark))
    return acknowledged.filter((mark) => !delivered.has(mark)).length
  }
  await eventually('all of it is delivered without a quorum', () => waiting() === 0)
  return acknowledged.length
}

/** How often the instance was asked whether it is ready, and how often it was. */
const watchReady = (rig: FaultRig) => {
  const answers: boolean[] = []
  const ending = new AbortController()
  const ask = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      answers.push(await rig.isReady())
      await sleep(1_000, undefined, { signal: ending.signal }).catch(() => undefined)
    }
  }
  const asking = ask()
  return async (): Promise<string> => {
    ending.abort()
    await asking
    return `${answers.filter(Boolean).length} of ${answers.length}`
  }
}

/** One loss of the quorum: two of the controllers stop, and go on. */
const loseQuorum = async (
  { rig, pick }: RowContext,
  sending: Load,
  [round, stopped]: readonly [number, readonly number[]],
) => {
  const { kafka } = rig
  const stoppedMs = pick(15_000, 30_000)
  expect(await grants(rig, `before-${round}`)).toBe(true)
  const isReady = watchReady(rig)
  const since = performance.now()
  let follower: Follower | undefined
  try {
    for (const id of stopped) kafka.stopController(id)
    // The one that is left may be the active one: it needs a moment to see that it is alone.
    await sleep(4_000)
    follower = followAnew(rig, `newcomer-${round}`)
    expect(await grants(rig, `amid-${round}`)).toBe(false)
    await sleep(Math.max(0, stoppedMs - (performance.now() - since)))
    const joinedAmid = follower.heardAfterMs() !== undefined
    const delivered = await deliversOn(rig, sending, since)
    expect(await grants(rig, `still-${round}`)).toBe(false)
    const lastedMs = performance.now() - since
    const ready = await isReady()
    for (const id of stopped) kafka.contController(id)
    const healedAt = performance.now()
    await eventually('the controllers grant a topic', () => grants(rig, `after-${round}`))
    const quorumMs = Math.round(performance.now() - healedAt)
    const newcomer = follower
    await eventually('the newcomer hears', () => newcomer.heardAfterMs() !== undefined)
    const heardAfterMs = newcomer.heardAfterMs() ?? Number.NaN
    return { lastedMs, ready, delivered, quorumMs, joinedAmid, heardAfterMs }
  } finally {
    for (const id of stopped) kafka.contController(id)
    await isReady()
    await follower?.end()
  }
}

type Loss = Awaited<ReturnType<typeof loseQuorum>>

const quorumLost: Row = {
  ids: ['F07'],
  title: 'the controllers lose their quorum while every broker is up',
  limitMs: { ci: 6 * minute, full: 10 * minute, soak: 0 },
  async run({ apart, pick }) {
    const context = await apart({ controllers: 3 })
    const { rig, sampler, load, holds, metric } = context
    const { nodes, controllers = [] } = rig.kafka.state
    const [first = 0, second = 0, third = 0] = controllers.map(({ id }) => id)
    const servers = [...nodes, ...controllers].map((node) => node.process)
    const samples = sampler()
    // A process that has just started is slow by itself.
    const warming = load({ perSecond, rampMs: 5_000 })
    await eventually('it is warm', () => rig.sink.deliveries().length > 300, minute)
    const earlier = await warming.stop()
    const sending = load({ perSecond })
    await sleep(2_000)
    const spooled = await metric('zenhook_spool_written_total')
    // The active one may be among those that stop, or be left alone: each pair in turn.
    const pairs = pick(
      [[first, second]],
      [
        [first, second],
        [second, third],
        [first, third],
      ],
    )
    const rounds: Loss[] = []
    for (const entry of pairs.entries()) {
      rounds.push(await loseQuorum(context, sending, entry))
      await sleep(pick(3_000, 10_000))
    }
    const later = await sending.stop()
    // Nobody starts one again here: those that live are those of before.
    expect(servers.filter((server) => !isAlive(server))).toEqual([])
    await eventually('the instance is ready', () => rig.isReady())
    const told = (figure: (round: Loss) => number | string | boolean): string =>
      rounds.map(figure).join(' / ')
    const faultMs = rounds.reduce((sum, { lastedMs }) => sum + lastedMs, 0)
    const worstMs = Math.max(...later.map(({ sentAt, ackAt }) => ackAt - sentAt))
    await holds('SIGSTOP of two of the three controllers', [...earlier, ...later], {
      faultMs,
      samples,
      notes: {
        'seconds without a quorum': told(({ lastedMs }) => (lastedMs / 1_000).toFixed(1)),
        'delivered meanwhile': told(({ delivered }) => delivered),
        'ready meanwhile': told(({ ready }) => ready),
        'worst ms once warm': Math.round(worstMs),
        spooled: (await metric('zenhook_spool_written_total')) - spooled,
        'quorum back after ms': told(({ quorumMs }) => quorumMs),
        'new group heard after ms': told(({ heardAfterMs }) => heardAfterMs),
        'new group joined meanwhile': told(({ joinedAmid }) => (joinedAmid ? 'yes' : 'no')),
      },
    })
    answersAll(sending, 'every source')
  },
}

export const quorumRows: readonly Row[] = [quorumLost]
