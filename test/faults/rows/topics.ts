import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { appendRaw, removeRecords, setTopic, topicName, withAdmin } from '../lag.ts'
import { type Line, prepare } from '../load.ts'
import { deadLetters } from '../logged.ts'
import { answersAll, type Row } from '../row.ts'
import { api } from '../wire.ts'
import { poisons } from './groups.ts'
import { eventually } from './ready.ts'

const minute = 60_000

const tooLarge: Row = {
  ids: ['F11'],
  title: 'a broker takes less than the ingress believes',
  limitMs: { ci: 6 * minute, full: 4 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    const limit = 'max.message.bytes'
    await withAdmin(rig, (admin) => setTopic(admin, 'received', { [limit]: '65536' }))
    const sending = load()
    try {
      await sleep(1_000)
      const { publicUrl } = rig.running()
      const refused: Line[] = []
      // In turns: ten megabytes at once take a slow machine longer than the ingress waits for the log.
      for (let turn = 0; turn < pick(1, 10); turn++) {
        const large = Array.from({ length: 10 }, () =>
          prepare(rig.targets.github, { more: { pad: 'x'.repeat(100_000) } }),
        )
        refused.push(...(await Promise.all(large.map((request) => request.send(publicUrl)))))
      }
      await sleep(2_000)
      const lines = await sending.stop()
      expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 413))
      await holds(`${refused.length} of 100 KB where 64 KB are taken`, [...lines, ...refused])
      answersAll(sending)
    } finally {
      await withAdmin(rig, (admin) => setTopic(admin, 'received', { [limit]: '8388608' }))
    }
  },
}

const topicGone: Row = {
  ids: ['F12'],
  title: 'the topic of received events is deleted',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, checker, pick, load, holds, metric }) {
    const spooled = await metric('zenhook_spool_written_total')
    await withAdmin(rig, (admin) => admin.deleteTopics({ topics: [topicName('received')] }))
    const sending = load()
    await sleep(pick(6_000, 30_000))
    const lines = await sending.stop()
    answersAll(sending)
    // The alarm: readiness says that the log does not take what comes.
    const { publicUrl } = rig.running()
    await eventually(
      'readiness is red',
      async () => (await fetch(`${publicUrl}/readyz`)).status === 503,
    )
    checker.forget()
    expect(await metric('zenhook_spool_written_total')).toBeGreaterThan(spooled)
    await rig.restart()
    await holds('received deleted for good, made again by the next start', lines, {
      faultMs: 30_000,
    })
    expect(await metric('zenhook_spool_records')).toBe(0)
  },
}

const deadUnwritable: Row = {
  ids: ['F22'],
  title: 'dead letters cannot be written',
  limitMs: { ci: 6 * minute, full: 5 * minute, soak: 0 },
  async run({ rig, pick, load, holds, sampler }) {
    await rig.restart({ wired: true })
    const samples = sampler()
    rig.wire.rule = ({ direction, api: number, has }) =>
      direction === 'request' && number === api.produce && has(topicName('dead')) ? 'cut' : 'pass'
    const [wrong] = poisons(1)
    if (wrong === undefined) throw new Error('no poison')
    const mark = `unwritable-${Date.now()}`
    const sending = load()
    await sleep(2_000)
    const [place] = await appendRaw(rig, [{ ...wrong, headers: { poison: mark } }])
    if (place === undefined) throw new Error('the poison is nowhere')
    await sleep(pick(10_000, minute))
    const settled = await withAdmin(rig, (admin) =>
      admin.fetchOffsets({ groupId: 'zenhook.chain', topics: [topicName('received')] }),
    )
    const stands = settled[0]?.partitions.find(({ partition }) => partition === place.partition)
    // I7: nothing is said to be done of what could not be buried.
    expect(Number(stands?.offset)).toBeLessThanOrEqual(place.offset)
    rig.wire.rule = undefined
    const lines = await sending.stop()
    await holds('every append to dead is cut off, then they pass again', lines, {
      faultMs: pick(12_000, 62_000),
      samples,
    })
    answersAll(sending)
    const buried = (await deadLetters(rig)).filter(
      ({ originHeaders }) => originHeaders.poison === mark,
    )
    expect(buried.length).toBeGreaterThanOrEqual(1)
    expect(new Set(buried.map(({ id }) => id)).size).toBe(1)
  },
}

const retentionPassed: Row = {
  ids: ['F32'],
  title: 'retention takes records away before the processors have read them',
  limitMs: { ci: 6 * minute, full: 5 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    await rig.restart({ roles: 'ingress,sink,api' })
    const before = load()
    await sleep(pick(3_000, 30_000))
    const gone = (await before.stop()).filter(({ status }) => status === 202)
    const partitions = await withAdmin(rig, (admin) => removeRecords(admin, 'received'))
    const since = Date.now()
    await rig.restart()
    const sending = load()
    await sleep(5_000)
    const lines = await sending.stop()
    const gaps = (await deadLetters(rig)).filter(
      ({ code, at }) => code === 'ZENHOOK_LOG_GAP' && at >= since,
    )
    const recorded = gaps.reduce((sum, { message }) => {
      const [, from, to] = /Offsets (\d+) to (\d+)/.exec(message) ?? []
      return sum + Number(to) - Number(from) + 1
    }, 0)
    await holds('all that waited is removed; what comes later flows', lines, {
      notes: { removed: gone.length, 'recorded as lost ranges': recorded },
    })
    answersAll(sending)
    expect(recorded).toBeGreaterThanOrEqual(gone.length)
    expect(gaps.length).toBeGreaterThan(0)
    expect(partitions).toBeGreaterThan(0)
  },
}

export const topicRows: readonly Row[] = [tooLarge, deadUnwritable, retentionPassed, topicGone]
