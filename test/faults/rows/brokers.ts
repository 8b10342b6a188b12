import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultRig } from '../rig.ts'
import { answersAll, type Row } from '../row.ts'
import { takesRequests } from './ready.ts'

const minute = 60_000

const leaderOf = async ({ kafka }: FaultRig, partition: number): Promise<number> => {
  const leader = await kafka.leaderOf('zenhook.received.v1', partition)
  if (leader === undefined) throw new Error('nobody leads')
  return leader
}

const leaderKilled: Row = {
  ids: ['F01'],
  title: 'the leader of received is killed, again and again',
  limitMs: { ci: 6 * minute, full: 10 * minute, soak: 0 },
  async run({ rig, pick, load, holds, metric, wentThroughSpool }) {
    const spooled = await metric('zenhook_spool_written_total')
    const kills = pick(1, 3)
    const sending = load()
    await sleep(2_000)
    for (let kill = 0; kill < kills; kill++) {
      const leader = await leaderOf(rig, kill)
      await rig.kafka.killBroker(leader)
      await sleep(pick(14_000, 25_000))
      if (kill < kills - 1) await rig.kafka.restartBroker(leader)
    }
    const lines = await sending.stop()
    // Drained after the election: the last broker is still gone.
    await holds(`kill -9 of a leader of received, ${kills} times`, lines, {
      faultMs: kills * 14_000,
    })
    answersAll(sending)
    await wentThroughSpool(spooled)
  },
}

const leaderStopped: Row = {
  ids: ['F02'],
  title: 'the leader is stopped for longer than a request, again and again',
  limitMs: { ci: 6 * minute, full: 12 * minute, soak: 0 },
  async run({ rig, pick, share, load, holds }) {
    const stalls = pick(4, 10)
    // Longer than the 3 s of a produce request, shorter than the session of a broker.
    const stallMs = 4_000
    const sending = load({ perSecond: share(60, 500) })
    await sleep(1_000)
    for (let stall = 0; stall < stalls; stall++) {
      const leader = await leaderOf(rig, stall % 6)
      rig.kafka.stopBroker(leader)
      await sleep(stallMs)
      rig.kafka.contBroker(leader)
      await sleep(pick(2_000, 8_000))
    }
    const lines = await sending.stop()
    await holds(`SIGSTOP of a leader for 4 s, ${stalls} times`, lines, {
      faultMs: stalls * stallMs,
      least: share(1_000, 50_000),
    })
    answersAll(sending)
  },
}

const leaderMoves: Row = {
  ids: ['F03'],
  title: 'leaders move while batches span partitions',
  limitMs: { ci: 6 * minute, full: 8 * minute, soak: 0 },
  async run({ rig, pick, share, load, holds, sampler }) {
    const samples = sampler()
    const sending = load({ perSecond: share(60, 300) })
    const moves = pick(1, 3)
    await sleep(2_000)
    for (let move = 0; move < moves; move++) {
      // A clean shutdown hands leadership over at once; what was under way meets the old leader.
      const leader = await leaderOf(rig, 1 + move)
      await rig.kafka.shutBroker(leader)
      await rig.kafka.restartBroker(leader)
      const next = await leaderOf(rig, 2 + move)
      await rig.kafka.killBroker(next)
      await sleep(pick(11_000, 15_000))
      await rig.kafka.restartBroker(next)
    }
    const lines = await sending.stop()
    await holds(`leaders shut and killed, ${moves} of each, with sends to 6 partitions`, lines, {
      faultMs: moves * 20_000,
      samples,
      least: share(1_000, 10_000),
    })
    answersAll(sending)
  },
}

const rollingRestart: Row = {
  ids: ['F04'],
  title: 'all brokers restart cleanly, one by one',
  limitMs: { ci: 6 * minute, full: 8 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    const sending = load()
    await sleep(2_000)
    for (const { id } of rig.kafka.state.nodes) {
      await rig.kafka.shutBroker(id)
      await sleep(1_000)
      await rig.kafka.restartBroker(id)
      await sleep(pick(1_000, 20_000))
    }
    const lines = await sending.stop()
    await holds('SIGTERM and start of the three brokers, in turn', lines, { faultMs: 30_000 })
    answersAll(sending)
  },
}

const twoDown: Row = {
  ids: ['F05'],
  title: 'two of three brokers are away',
  limitMs: { ci: 6 * minute, full: 8 * minute, soak: 0 },
  async run({ rig, pick, load, holds, metric, wentThroughSpool }) {
    const spooled = await metric('zenhook_spool_written_total')
    const awayMs = pick(10_000, 60_000)
    const sending = load()
    await sleep(2_000)
    await Promise.all([rig.kafka.killBroker(2), rig.kafka.killBroker(3)])
    await sleep(awayMs)
    const lines = await sending.stop()
    await Promise.all([rig.kafka.restartBroker(2), rig.kafka.restartBroker(3)])
    await holds(`two of three brokers killed for ${awayMs / 1_000} s`, lines, { faultMs: awayMs })
    answersAll(sending)
    await wentThroughSpool(spooled)
  },
}

const noneAtStart: Row = {
  ids: ['F06'],
  title: 'every broker is down when the instance starts',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, pick, load, holds, wentThroughSpool }) {
    const awayMs = pick(3_000, 30_000)
    await rig.running().kill()
    await Promise.all(rig.kafka.state.nodes.map(({ id }) => rig.kafka.killBroker(id)))
    const { instance, ready } = await rig.startAmidFault()
    await takesRequests(instance.publicUrl)
    const sending = load({ publicUrl: () => instance.publicUrl })
    await sleep(awayMs)
    const lines = await sending.stop()
    const statusOf = async (path: string): Promise<number> =>
      (await fetch(instance.publicUrl + path)).status
    const health = [await statusOf('/healthz'), await statusOf('/readyz')]
    if (health.join() !== '200,503') throw new Error(`health is ${health.join()}`)
    // It knows sources from its disk, and cannot know which have come since.
    const unknown = await fetch(`${instance.publicUrl}/in/acme/none`, {
      method: 'POST',
      body: '{}',
    })
    if (unknown.status !== 503) throw new Error(`an unknown source is answered ${unknown.status}`)
    answersAll(sending)
    await Promise.all(rig.kafka.state.nodes.map(({ id }) => rig.kafka.restartBroker(id)))
    await ready
    if (rig.running().pid !== instance.pid) throw new Error('it was started again')
    await holds('started with every broker down', lines, { faultMs: awayMs })
    await wentThroughSpool(0)
  },
}

export const brokerRows: readonly Row[] = [
  leaderKilled,
  leaderStopped,
  leaderMoves,
  rollingRestart,
  twoDown,
  noneAtStart,
]
