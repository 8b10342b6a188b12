import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { answersAll, type Row } from '../row.ts'

const minute = 60_000

const flipped: Row = {
  ids: ['F30'],
  title: 'the configuration changes every second while events are in flight',
  limitMs: { ci: 6 * minute, full: 8 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    const apply = (text: string): Promise<unknown> =>
      rig.running().api('POST', '/v1/registry/apply', { file: 'zenhook.yaml', text })
    const other = rig.configText.replace(`${rig.sink.url}/beta"`, `${rig.sink.url}/other"`)
    expect(other).not.toBe(rig.configText)
    const sending = load({ targets: [rig.targets.beta] })
    const flips = pick(10, 120)
    try {
      for (let flip = 0; flip < flips; flip++) {
        await apply(flip % 2 === 0 ? other : rig.configText)
        await sleep(1_000)
      }
    } finally {
      await apply(rig.configText)
    }
    const lines = await sending.stop()
    const found = await holds(`the destination's address changed ${flips} times`, lines)
    answersAll(sending)
    expect(found.duplicates).toBe(0)
    // Both were in use, and no event went to more than one of them.
    const paths = new Map<string, Set<string>>()
    for (const { mark, path } of rig.sink.deliveries())
      paths.set(mark, (paths.get(mark) ?? new Set()).add(path))
    expect([...paths.values()].filter(({ size }) => size > 1)).toEqual([])
    const used = new Set([...paths.values()].flatMap((each) => [...each]))
    expect([...used].sort()).toEqual(['/beta', '/other'])
  },
}

export const configurationRows: readonly Row[] = [flipped]
