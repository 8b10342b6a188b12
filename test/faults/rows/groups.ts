import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { NewRecord } from '../../../core/log/port.ts'
import { appendRaw } from '../lag.ts'
import { deadLetters } from '../logged.ts'
import { answersAll, type Row } from '../row.ts'
import { eventually } from './ready.ts'

const minute = 60_000
const workers = 'processors,connectors'

const storm: Row = {
  ids: ['F17'],
  title: 'members join and leave, again and again',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, pick, load, holds, sampler }) {
    const samples = sampler()
    const sending = load()
    const stormMs = pick(20_000, minute)
    const startedAt = performance.now()
    const until = startedAt + stormMs
    let turns = 0
    // On a machine where a start takes long, as long as one that leaves and one that dies need.
    while (performance.now() < until || turns < 2) {
      const joined = await rig.another({ roles: workers })
      await sleep(2_000)
      // In turn it says farewell, and dies without a word.
      if (turns % 2 === 0) await joined.stop(20_000)
      else await joined.kill()
      turns += 1
    }
    const tookMs = performance.now() - startedAt
    const lines = await sending.stop()
    await holds(`${turns} members joined and left within ${Math.round(tookMs / 1_000)} s`, lines, {
      faultMs: tookMs,
      samples,
      notes: { turns },
    })
    answersAll(sending)
  },
}

const zombie: Row = {
  ids: ['F18'],
  title: 'a processor is stopped past its session, and wakes up after another took over',
  limitMs: { ci: 6 * minute, full: 8 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    await rig.restart({ roles: 'ingress,sink,api' })
    const first = await rig.another({ roles: workers })
    // Slow answers: attempts are under way when it is stopped.
    rig.sink.fault = { delayMs: 100 }
    const sending = load()
    const rounds = pick(1, 4)
    const sleepMs = 14_000
    let zombie = first
    for (let round = 0; round < rounds; round++) {
      await eventually('the first works', () => rig.sink.deliveries().length > 50 * (round + 1))
      process.kill(zombie.pid, 'SIGSTOP')
      const [second] = await Promise.all([rig.another({ roles: workers }), sleep(sleepMs)])
      const before = rig.sink.deliveries().length
      await eventually('the second takes over', () => rig.sink.deliveries().length > before + 20)
      process.kill(zombie.pid, 'SIGCONT')
      await sleep(3_000)
      // The next to fall asleep is the one that works now.
      await zombie.kill()
      zombie = second
    }
    rig.sink.fault = undefined
    const lines = await sending.stop()
    await holds(`SIGSTOP of the working processor for 14 s, ${rounds} times`, lines, {
      faultMs: rounds * sleepMs,
    })
    answersAll(sending)
  },
}

/** Bytes that no reader understands, each in another way. */
export const poisons = (count: number): NewRecord[] =>
  Array.from({ length: count }, (_, index) => {
    const kinds = [
      randomBytes(200),
      Buffer.alloc(0),
      // A frame of the registry with a number that it never gave.
      Buffer.concat([Buffer.from([0, 0x7f, 0xff, 0xff, index % 256]), randomBytes(50)]),
      // A known number, and then nothing of that schema.
      Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), randomBytes(3)]),
    ]
    const value = kinds[index % kinds.length] ?? randomBytes(8)
    return {
      topic: 'received',
      key: `poison-${index}`,
      value: new Uint8Array(value),
      headers: { poison: String(index) },
    }
  })

const poisoned: Row = {
  ids: ['F20'],
  title: 'records that nobody can read go to the dead letters, and their neighbours flow',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, pick, load, holds, sampler }) {
    const samples = sampler()
    const wrong = poisons(pick(40, 100))
    const sending = load()
    for (let index = 0; index < wrong.length; index += 5) {
      await appendRaw(rig, wrong.slice(index, index + 5))
      await sleep(pick(300, 1_500))
    }
    const lines = await sending.stop()
    const found = await holds(`${wrong.length} records of poison among them`, lines, { samples })
    answersAll(sending)
    expect(found.duplicates).toBe(0)
    const dead = await deadLetters(rig)
    const byNumber = new Map(dead.map((each) => [each.originHeaders.poison, each]))
    for (const { headers, value } of wrong) {
      const letter = byNumber.get(headers?.poison ?? '')
      expect(letter).toMatchObject({ origin: { topic: 'received' }, originHeaders: headers })
      expect(letter?.code).toMatch(/^ZENHOOK_(STAGE|SCHEMAS)_/)
      expect(letter?.origin.offset).toBeGreaterThanOrEqual(0)
      expect(Buffer.from(letter?.original ?? []).equals(Buffer.from(value ?? []))).toBe(true)
    }
  },
}

export const groupRows: readonly Row[] = [storm, zombie, poisoned]
