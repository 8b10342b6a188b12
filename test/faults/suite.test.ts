import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Checker, createChecker } from './check.ts'
import { startLoad } from './load.ts'
import { belongs, type Length, lengths, rowsIn } from './plan.ts'
import { createFaultRig, type FaultRig } from './rig.ts'
import { contextOf } from './row.ts'
import { faultRows } from './rows/index.ts'

const { ZENHOOK_FAULTS_LENGTH, ZENHOOK_FAULTS_ROWS, ZENHOOK_FAULTS_RECORD } = process.env
const length: Length = lengths.find((each) => each === ZENHOOK_FAULTS_LENGTH) ?? 'ci'
const asked = ZENHOOK_FAULTS_ROWS === undefined ? undefined : new Set(rowsIn(ZENHOOK_FAULTS_ROWS))

/** Fresh brokers and instances take both cores for half a minute: the first row would measure that. */
const warmMs = length === 'full' ? 30_000 : 0

const warm = async ({ targets, running }: FaultRig): Promise<void> => {
  const load = startLoad({
    targets: Object.values(targets),
    publicUrl: () => running().publicUrl,
    perSecond: 50,
    rampMs: warmMs / 2,
  })
  await sleep(warmMs)
  await load.stop()
}

/** A row has no time in a length that it has no shape for. */
const rows = faultRows.filter(
  ({ ids, limitMs }) =>
    limitMs[length] > 0 &&
    ids.some((id) => (asked === undefined ? belongs(id, length) : asked.has(id))),
)

describe.skipIf(rows.length === 0)('faults, on the whole product', () => {
  let rig: FaultRig
  let checker: Checker

  beforeAll(async () => {
    rig = await createFaultRig()
    await rig.start()
    checker = createChecker(rig)
    if (warmMs > 0) await warm(rig)
  }, 180_000)
  afterAll(() => rig?.close(), 60_000)

  beforeEach(async () => {
    await rig.heal()
    checker.begin()
  }, 180_000)

  let end = async (): Promise<void> => {}
  // A row that ran out of time would go on sending beside the next.
  afterEach(() => end(), 60_000)

  for (const row of rows) {
    it(`${row.ids.join(', ')}: ${row.title}`, { timeout: row.limitMs[length] }, async () => {
      const context = contextOf(row, rig, checker, length, ZENHOOK_FAULTS_RECORD)
      end = context.end
      await row.run(context)
    })
  }

  it('ends in time after all that', { timeout: 30_000 }, async () => {
    expect(await rig.running().stop(20_000)).toBe(0)
  })
})
