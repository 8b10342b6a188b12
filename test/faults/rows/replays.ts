import { expect } from 'vitest'
import { type Line, type Prepared, prepare } from '../load.ts'
import type { Row } from '../row.ts'

const minute = 60_000

/** Sends by so many senders at once, each its share, one after the other. */
const sendMany = async (
  count: number,
  senders: number,
  send: (index: number) => Promise<Line>,
): Promise<Line[]> => {
  const lines: Line[] = []
  let next = 0
  const sender = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) lines.push(await send(index))
  }
  await Promise.all(Array.from({ length: senders }, sender))
  return lines
}

const allTaken = (lines: readonly Line[]): void => {
  expect(lines.filter(({ status }) => status !== 202).slice(0, 5)).toEqual([])
}

const storm: Row = {
  ids: ['F49'],
  title: 'the same event comes over and over, from many senders at once',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, pick, holds }) {
    const count = pick(2_000, 10_000)
    const { publicUrl } = rig.running()
    const request = prepare(rig.targets.github)
    const lines = await sendMany(count, 50, () => request.send(publicUrl))
    const found = await holds(`one event ${count} times, 50 at once`, lines, { least: count })
    allTaken(lines)
    expect(found.duplicates).toBe(0)
    expect(rig.sink.deliveries().filter(({ mark }) => mark === request.mark)).toHaveLength(1)
  },
}

const replayed: Row = {
  ids: ['F56'],
  title: 'requests are replayed inside their window',
  limitMs: { ci: 6 * minute, full: 4 * minute, soak: 0 },
  async run({ rig, pick, holds }) {
    const { publicUrl } = rig.running()
    const { github, slack } = rig.targets
    const lines: Line[] = []
    const copies: { request: Prepared; times: number }[] = pick([2, 3, 100], [2, 3, 100, 2, 3, 100])
      .flatMap((times) => [github, slack].map((target) => ({ target, times })))
      .map(({ target, times }) => ({ request: prepare(target), times }))
    for (const { request, times } of copies) {
      const answers = await sendMany(times, times, () => request.send(publicUrl))
      allTaken(answers)
      // One of them was the first, and the edge that saw it says so of the others.
      expect(answers.filter(({ duplicate }) => !duplicate).length).toBeGreaterThanOrEqual(1)
      const later = await request.send(publicUrl)
      expect(later).toMatchObject({ status: 202, duplicate: true })
      lines.push(...answers, later)
    }
    const found = await holds('2, 3 and 100 copies at once, then one more', lines, { least: 200 })
    expect(found.duplicates).toBe(0)
    for (const { request } of copies)
      expect(rig.sink.deliveries().filter(({ mark }) => mark === request.mark)).toHaveLength(1)
  },
}

const raced: Row = {
  ids: ['F60'],
  title: 'copies race over four ingress processes',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, pick, holds }) {
    const others = await Promise.all(
      Array.from({ length: 3 }, () => rig.another({ roles: 'ingress' })),
    )
    const urls = [rig.running(), ...others].map(({ publicUrl }) => publicUrl)
    const { github, slack } = rig.targets
    const requests = Array.from({ length: pick(60, 1_000) }, (_, index) =>
      prepare(index % 2 === 0 ? github : slack),
    )
    const lines: Line[] = []
    for (const request of requests)
      lines.push(...(await Promise.all(urls.map((url) => request.send(url)))))
    const count = requests.length
    const found = await holds(`${count} requests to four processes at once`, lines, {
      least: count * urls.length,
    })
    allTaken(lines)
    expect(found.duplicates).toBe(0)
    for (const { mark } of requests)
      expect(rig.sink.deliveries().filter((each) => each.mark === mark)).toHaveLength(1)
  },
}

export const replayRows: readonly Row[] = [storm, replayed, raced]
