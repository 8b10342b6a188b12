import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { noisyPerSecond } from '../config.ts'
import { percentile } from '../figures.ts'
import type { Line } from '../load.ts'
import type { FaultRig } from '../rig.ts'
import { answersAll, type Row, type RowContext } from '../row.ts'

const minute = 60_000

/** From the request until its delivery, ms: the first at each path that counts. */
const latencies = (
  { sink }: FaultRig,
  lines: readonly Line[],
  counts: (path: string) => boolean = () => true,
): number[] => {
  const sent = new Map(lines.map(({ mark, sentAt }) => [mark, performance.timeOrigin + sentAt]))
  const seen = new Set<string>()
  return sink.deliveries().flatMap(({ mark, id, at, path }) => {
    const start = sent.get(mark)
    if (start === undefined || seen.has(id) || !counts(path)) return []
    seen.add(id)
    return [at - start]
  })
}

const p95 = (values: readonly number[]): number => Math.round(percentile(values, 0.95))

const hotKey: Row = {
  ids: ['F27'],
  title: 'nine of ten events are of one tenant',
  limitMs: { ci: 6 * minute, full: 8 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    const { github, slack, beta, line } = rig.targets
    const phaseMs = pick(10_000, minute)
    const perSecond = pick(10, 20)
    // As much traffic, evenly: what differs then is who sends it, not how busy the machine is.
    const even = load({ targets: [beta, slack, line], perSecond: perSecond * 10 })
    // A process that has just started compiles what it runs: that second of it is nobody's measure.
    await sleep(phaseMs)
    const warmAt = performance.now()
    await sleep(phaseMs)
    const among = await even.stop()
    await holds('three tenants alike', among, { least: 50 })
    const ofBeta = among.filter(({ tenant, sentAt }) => tenant === beta.tenant && sentAt >= warmAt)
    const before = p95(latencies(rig, ofBeta))
    const steady = load({ targets: [beta], perSecond })
    const hot = load({ targets: [github], perSecond: perSecond * 9 })
    await sleep(phaseMs)
    const [beside, hotLines] = await Promise.all([steady.stop(), hot.stop()])
    await holds('as much, nine of ten from one of them', [...beside, ...hotLines], {
      notes: { 'P95 alike': before, 'P95 beside': p95(latencies(rig, beside)) },
    })
    answersAll(steady)
    expect(p95(latencies(rig, beside))).toBeLessThanOrEqual(2 * before)
  },
}

const destinationDown: Row = {
  ids: ['F41'],
  title: 'a destination says 503 for long, then takes all that waited',
  limitMs: { ci: 6 * minute, full: 30 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    const downMs = pick(15_000, 10 * minute)
    const perSecond = pick(30, 50)
    const sending = load({ targets: [rig.targets.beta], perSecond })
    await sleep(2_000)
    rig.sink.answers.set('/beta', { status: 503 })
    const downAt = Date.now()
    await sleep(downMs)
    const upAt = Date.now()
    const during = rig.sink.attempts().filter(({ at }) => at >= downAt && at < upAt).length
    rig.sink.answers.delete('/beta')
    await sleep(3_000)
    const lines = await sending.stop()
    const waited = lines.filter(({ sentAt }) => performance.timeOrigin + sentAt < upAt).length
    const found = await holds(`503 for ${downMs / 1_000} s at ${perSecond}/s`, lines, {
      faultMs: downMs,
      notes: { 'attempts while down': during, 'events while down': waited },
    })
    answersAll(sending)
    expect(found.duplicates).toBe(0)
    // The breaker opens: most of what waits is not tried at all.
    expect(during).toBeLessThan(waited)
  },
}

const oneOfTwenty = async (
  { rig, holds, load, length }: RowContext,
  phaseMs: number,
  perSecond: number,
): Promise<void> => {
  const dead = '/d07'
  const phase = async (): Promise<readonly Line[]> => {
    const sending = load({ targets: [rig.targets.fleet], perSecond })
    await sleep(phaseMs)
    return sending.stop()
  }
  const others = (path: string): boolean => path !== dead
  const well = await phase()
  await holds(`twenty destinations at ${perSecond}/s`, well, { least: 20 })
  const before = p95(latencies(rig, well, others))
  rig.sink.answers.set(dead, { status: 500 })
  const ill = await phase()
  // Measured while it is dead: what drains afterwards is another matter.
  const beside = p95(latencies(rig, ill, others))
  rig.sink.answers.delete(dead)
  await holds('one of twenty says 500, then takes what waited', ill, {
    faultMs: phaseMs,
    least: 20,
    notes: { 'P95 before': before, 'P95 of the others': beside },
  })
  expect(ill.length).toBeGreaterThan(20)
  // Ratios of a run of seconds on a shared machine are noise: there only a collapse is one.
  expect(beside).toBeLessThanOrEqual(length === 'ci' ? 3 * before : 1.2 * before)
}

const deadAmongTwenty: Row = {
  ids: ['F47'],
  title: 'one destination of twenty is dead',
  limitMs: { ci: 6 * minute, full: 10 * minute, soak: 0 },
  run: (context) => oneOfTwenty(context, context.pick(10_000, minute), context.pick(3, 10)),
}

const overRated: Row = {
  ids: ['F89'],
  title: 'twice the rated load of a tenant',
  limitMs: { ci: 6 * minute, full: 10 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    const forMs = pick(10_000, 5 * minute)
    const sending = load({ targets: [rig.targets.noisy], perSecond: 2 * noisyPerSecond })
    await sleep(forMs)
    const lines = await sending.stop()
    const taken = lines.filter(({ status }) => status === 202)
    const found = await holds(
      `${2 * noisyPerSecond}/s where ${noisyPerSecond}/s are rated`,
      lines,
      {
        notes: {
          'goodput/s': (taken.length / (forMs / 1_000)).toFixed(1),
          P95: p95(latencies(rig, taken)),
        },
      },
    )
    expect(Object.keys(found.statuses).sort().join()).toMatch(/^202,(401,)?429$/)
    expect(taken.length).toBeGreaterThanOrEqual((0.9 * noisyPerSecond * forMs) / 1_000)
    // No collapse afterwards: the rated load is taken whole.
    await sleep(2_000)
    const after = load({ targets: [rig.targets.noisy], perSecond: noisyPerSecond * 0.8 })
    await sleep(pick(5_000, 30_000))
    const calm = await after.stop()
    await holds('then the rated load again', calm)
    answersAll(after)
  },
}

const flood: Row = {
  ids: ['F90'],
  title: 'one tenant floods',
  limitMs: { ci: 6 * minute, full: 8 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    const { github, slack, beta, noisy } = rig.targets
    const flooding = load({ targets: [noisy], perSecond: pick(200, 600) })
    const sending = load({ targets: [github, slack, beta], perSecond: pick(40, 60) })
    await sleep(pick(10_000, 3 * minute))
    const [wild, lines] = await Promise.all([flooding.stop(), sending.stop()])
    const refused = wild.filter(({ status }) => status === 429).length
    await holds('a tenant at many times its rate beside two others', [...lines, ...wild], {
      notes: { 'its 429': refused, "others' requests": lines.length },
    })
    answersAll(sending)
    expect(refused).toBeGreaterThan(wild.length / 3)
  },
}

export const loadRows: readonly Row[] = [hotKey, destinationDown, deadAmongTwenty, overRated, flood]
