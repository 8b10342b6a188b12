import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { seeded } from '../figures.ts'
import { removeRecords, withAdmin } from '../lag.ts'
import type { Row } from '../row.ts'
import { type Stretch, timeline } from '../timeline.ts'
import { eventually } from './ready.ts'
import { edgeFaults, faultEveryMs, oneAfterAnother } from './soak.ts'

const minute = 60_000

/**
 * Nothing but the ingress and what it stands on, at a rate that leaves no room for the rest on a small machine:
 * how many acknowledged events are not in the log, of very many.
 */
const volume: Row = {
  ids: ['F91'],
  title: 'very many acknowledged by the ingress, with a fault of what it stands on every 30 s',
  limitMs: { ci: 8 * minute, full: 75 * minute, soak: 0 },
  async run({ rig, checker, pick, load, acknowledged, metric }) {
    const plan = pick(
      { parts: 1, minutes: 1, perSecond: 300 },
      { parts: Number(process.env.ZENHOOK_FAULTS_PARTS ?? 5), minutes: 6, perSecond: 1_200 },
    )
    const random = seeded(Number(process.env.ZENHOOK_FAULTS_SEED ?? Date.now() % 1_000_000))
    await rig.restart({ roles: 'ingress,api' })
    for (let part = 1; part <= plan.parts; part++) {
      checker.begin()
      const sending = load({ perSecond: plan.perSecond, rampMs: part === 1 ? 20_000 : 5_000 })
      const startedAt = performance.now()
      const endsAt = startedAt + plan.minutes * minute
      const stretches: Stretch[] = []
      const pace = { firstAt: startedAt + faultEveryMs / 2, until: endsAt - faultEveryMs / 2 }
      await oneAfterAnother(edgeFaults, random, { ...pace, restMs: 5_000 }, async (fault) => {
        const at = performance.now()
        await fault.strike(rig)
        stretches.push({ name: fault.name, at, tookMs: performance.now() - at })
      })
      await sleep(Math.max(0, endsAt - performance.now()))
      const lines = await sending.stop()
      await eventually(
        'the spool is empty',
        async () => (await metric('zenhook_spool_records')) === 0,
      )
      process.stdout.write(timeline(startedAt, lines, stretches).join(''))
      const made = edgeFaults
        .map(({ name }) => `${name} ${stretches.filter((each) => each.name === name).length}`)
        .join(', ')
      const did = `ingress alone, part ${part} of ${plan.parts}: ${plan.minutes} min at ${plan.perSecond}/s`
      await acknowledged(did, lines, { faults: made })
      expect(stretches.length).toBeGreaterThan(0)
      // What was checked is taken away: the brokers' disks hold one part at a time.
      await withAdmin(rig, (admin) => removeRecords(admin, 'received'))
    }
  },
}

export const volumeRows: readonly Row[] = [volume]
