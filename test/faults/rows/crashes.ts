import { setTimeout as sleep } from 'node:timers/promises'
import type { Row } from '../row.ts'

const minute = 60_000

const killedAmidWork: Row = {
  ids: ['F24'],
  title: 'the instance is killed between poll and work, and started again',
  limitMs: { ci: 3 * minute, full: 8 * minute, soak: 0 },
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

export const crashRows: readonly Row[] = [killedAmidWork]
