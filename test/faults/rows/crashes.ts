import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { type Line, prepare } from '../load.ts'
import { answersAll, type Row } from '../row.ts'
import { consumed, type Hook, killAt, notStored, stored, uncommitted } from './hooks.ts'

const minute = 60_000
const atOnce = 40

const ackWithheld: Row = {
  ids: ['F13'],
  title: 'the ingress is killed between the ack of the log and its answer',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, checker, pick, holds }) {
    const rounds = pick(1, 5)
    const lines: Line[] = []
    let copied = 0
    await rig.restart({ wired: true })
    for (let round = 0; round < rounds; round++) {
      const requests = Array.from({ length: atOnce }, () => prepare(rig.targets.github))
      const { publicUrl } = rig.running()
      const killed = killAt(rig, stored('received'))
      const first = await Promise.all(requests.map((request) => request.send(publicUrl)))
      await killed
      await rig.start({ wired: true })
      const open = requests.filter((_, index) => first[index]?.status !== 202)
      // What every provider does that got no answer: the same bytes once more.
      const again = await Promise.all(open.map((request) => request.send(rig.running().publicUrl)))
      expect(again.map(({ status }) => status)).toEqual(again.map(() => 202))
      lines.push(...first, ...again)
    }
    await holds(`killed with the ack in hand, ${rounds} times; every sender tries again`, lines, {
      faultMs: 10_000,
      least: atOnce,
    })
    copied = lines.filter(({ mark }) => checker.copies(mark) > 1).length
    // Stored twice, decided once: or the moment was not the one that is meant.
    expect(copied).toBeGreaterThan(0)
  },
}

const nonceReserved: Row = {
  ids: ['F14'],
  title: 'the ingress is killed between the nonce and the ack of the log',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, pick, holds }) {
    const rounds = pick(1, 5)
    const lines: Line[] = []
    const other = await rig.another({ roles: 'ingress' })
    await rig.restart({ wired: true })
    for (let round = 0; round < rounds; round++) {
      const requests = Array.from({ length: atOnce }, () => prepare(rig.targets.github))
      const { publicUrl } = rig.running()
      const killed = killAt(rig, notStored('received'))
      const first = await Promise.all(requests.map((request) => request.send(publicUrl)))
      await killed
      expect(first.filter(({ status }) => status === 202)).toEqual([])
      // At once, while the reservations of the dead process still stand.
      const again = await Promise.all(requests.map((request) => request.send(other.publicUrl)))
      const answers = again.map(({ status, duplicate }) => `${status} ${duplicate}`)
      expect(answers).toEqual(answers.map(() => '202 false'))
      lines.push(...first, ...again)
      await rig.start({ wired: true })
    }
    await holds(`killed with nonces reserved, ${rounds} times; resent elsewhere at once`, lines, {
      faultMs: 10_000,
      least: atOnce,
    })
  },
}

/** What every stage consumes, produces and commits. */
const links = {
  fused: [
    { from: 'received', to: 'dispatch' },
    { from: 'dispatch', to: 'decisions' },
  ],
  split: [
    { from: 'received', to: 'unique' },
    { from: 'unique', to: 'enriched' },
    { from: 'enriched', to: 'scored' },
    { from: 'scored', to: 'dispatch' },
    { from: 'dispatch', to: 'decisions' },
  ],
} as const

const hooksOf = (chain: 'fused' | 'split'): Hook[] =>
  links[chain].flatMap(({ from, to }) => [consumed(from), stored(to), uncommitted(from)])

const killedAtHooks: Row = {
  ids: ['F16'],
  title: 'processors are killed after consuming, after producing, before committing',
  limitMs: { ci: 6 * minute, full: 15 * minute, soak: 0 },
  async run({ rig, pick, load, holds, sampler, length }) {
    const chain = pick('fused', 'split')
    // In the short length the fused chain, and of the connectors what is nearest to acting twice.
    const all = hooksOf(chain)
    const hooks = length === 'ci' ? [...all.slice(0, 3), ...all.slice(-1)] : all
    const samples = sampler()
    await rig.restart({ wired: true, chain })
    // Whatever becomes of the processors, events come in.
    const { publicUrl } = await rig.another({ roles: 'ingress' })
    const sending = load({ publicUrl: () => publicUrl })
    for (const hook of hooks) {
      await killAt(rig, hook)
      await rig.start({ wired: true, chain })
    }
    await sleep(2_000)
    const lines = await sending.stop()
    await holds(`kill -9 at ${hooks.length} hooks of the ${chain} chain`, lines, {
      faultMs: hooks.length * 10_000,
      ...(chain === 'fused' && { samples }),
    })
    await samples.stop()
    answersAll(sending)
  },
}

const killedAmidWork: Row = {
  ids: ['F24'],
  title: 'the instance is killed between poll and work, and started again',
  limitMs: { ci: 6 * minute, full: 8 * minute, soak: 0 },
  async run({ rig, pick, load, holds, sampler }) {
    const samples = sampler()
    // Slow answers: attempts are under way when it is killed.
    rig.sink.fault = { delayMs: 50 }
    const sending = load()
    const kills = pick(1, 5)
    for (let kill = 0; kill < kills; kill++) {
      await sleep(3_000)
      await rig.running().kill()
      await rig.start()
    }
    rig.sink.fault = undefined
    await sleep(2_000)
    const lines = await sending.stop()
    await holds(`kill -9 of the instance and a new start, ${kills} times`, lines, {
      faultMs: kills * 10_000,
      samples,
    })
  },
}

export const crashRows: readonly Row[] = [ackWithheld, nonceReserved, killedAtHooks, killedAmidWork]
