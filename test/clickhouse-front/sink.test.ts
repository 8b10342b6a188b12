import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createClickHouseDecisions } from '../../core/decisions/clickhouse/index.ts'
import type { Decisions } from '../../core/decisions/port.ts'
import { listEvents } from '../../core/decisions/story.ts'
import { received } from './fixtures.ts'
import { type ClickHouseFront, startClickHouseFront } from './index.ts'
import { useSink } from './sink-rig.ts'

const rig = useSink()
const { start, waiting } = rig

describe('sink into a ClickHouse server that fails', () => {
  let front: ClickHouseFront
  let decisions: Decisions
  beforeAll(async () => {
    front = await startClickHouseFront()
    decisions = createClickHouseDecisions({ url: front.url, timeoutMs: 1_500 })
    await decisions.ensureTables()
  })
  afterAll(async () => {
    await decisions.close()
    await front.close()
  })

  const total = async (prefix: string) => {
    const rows = await decisions.select<{ rows: number; ids: number }>(
      'SELECT count() AS rows, uniqExact(id) AS ids FROM events FINAL WHERE startsWith(id, {prefix:String})',
      { prefix },
    )
    return rows[0]
  }

  it.each(['kill', 'stall'] as const)(
    '%s: everything is there later, exactly once',
    { timeout: 60_000 },
    async (fault) => {
      await start(decisions, { batch: { rows: 300, ms: 20 } })
      const prefix = `${fault}-`
      const send = async (from: number): Promise<void> => {
        for (let at = from; at < from + 1_000; at += 100)
          await rig.log.append(
            Array.from({ length: 100 }, (_, index) => received(`${prefix}${at + index}`)),
          )
      }
      await send(0)
      // While inserts are under way: some are stored and never acknowledged.
      await new Promise((resolve) => setTimeout(resolve, 60))
      if (fault === 'kill') await front.kill()
      else front.stall()
      await send(1_000)
      await vi.waitFor(() => expect(rig.sink?.trouble()).toBeDefined(), { timeout: 10_000 })
      if (fault === 'kill') await front.start()
      else front.resume()
      await vi.waitFor(async () => expect(await waiting()).toBe(0), {
        timeout: 30_000,
        interval: 50,
      })
      expect(await total(prefix)).toEqual({ rows: 2_000, ids: 2_000 })
      expect(await listEvents(decisions, { limit: 5 })).toMatchObject({ events: { length: 5 } })
    },
  )
})
