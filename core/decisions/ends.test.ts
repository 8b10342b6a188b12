import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClickHouseFront, startClickHouseFront } from '../../test/clickhouse-front/index.ts'
import { createChdbDecisions } from './chdb/index.ts'
import { createClickHouseDecisions } from './clickhouse/index.ts'
import { countEnds, endedDispatches, standingsOf } from './ends.ts'
import type { Decisions } from './port.ts'
import { columns } from './tables.ts'

const at = 1_790_000_000_000

/** Event, dispatch, verdict, and what else matters. */
type Made = readonly [
  event: string,
  dispatch: string,
  verdict: string,
  more?: Readonly<Record<string, unknown>>,
]

const made: readonly Made[] = [
  ['sent', '', 'pass'],
  ['sent', 'd1', 'dispatch'],
  ['sent', 'd1', 'retry', { attempt: 1, details_text: `{"nextAt":${at + 5}}` }],
  ['sent', 'd1', 'delivered', { attempt: 2 }],
  ['half', 'd2', 'dispatch'],
  ['half', 'd3', 'dispatch'],
  ['half', 'd2', 'delivered', { attempt: 1 }],
  ['half', 'd3', 'dead', { attempt: 1 }],
  ['gone', '', 'drop'],
  ['died', 'd4', 'dispatch'],
  ['died', 'd4', 'dead', { attempt: 1 }],
  ['stage', '', 'dead'],
  ['off', 'd5', 'drop'],
  // Somebody gave its letter up: what became of the event itself was decided before.
  ['shelved', 'd13', 'dispatch'],
  ['shelved', 'd13', 'delivered', { attempt: 1 }],
  ['shelved', '', 'dead', { stage: 'discard' }],
  ['lost', 'd6', 'dispatch'],
  ['lost', 'd7', 'dispatch'],
  ['lost', 'd7', 'delivered', { attempt: 1 }],
  ['later', 'd8', 'dispatch'],
  ['later', 'd8', 'retry', { attempt: 1, details_text: `{"nextAt":${at + 7},"error":"no"}` }],
  ['later', 'd8', 'retry', { attempt: 2, details_text: `{"nextAt":${at + 9_000}}` }],
  ['torn', 'd9', 'dispatch'],
  ['torn', 'd9', 'delivered', { attempt: 1 }],
  ['torn', 'd9', 'dead', { attempt: 2 }],
  ['undecided', 'd10', 'delivered', { attempt: 1 }],
  ['both', '', 'drop'],
  ['both', 'd11', 'dispatch'],
  ['both', 'd11', 'delivered', { attempt: 1 }],
  ['again', 'd12', 'dispatch', { run: 'r1' }],
  ['again', 'd12', 'delivered', { run: 'r1', attempt: 1 }],
]

const ended = ['sent', 'half', 'gone', 'died', 'stage', 'off', 'shelved']
const open = ['lost', 'later', 'torn', 'undecided', 'both', 'again', 'nothing']

const rowOf = ([event, dispatch, verdict, more = {}]: Made, index: number): readonly unknown[] => {
  const row: Readonly<Record<string, unknown>> = {
    ...{ tenant: 't', source: 's', type: 'x', reason: 'r', run: 'live', version: 1, took_ms: 1 },
    ...{ event_id: event, decision_id: String(index), dispatch_id: dispatch, verdict },
    ...{ stage: verdict, at, received_at: at, attempt: 0 },
    ...more,
  }
  return columns.decisions.map((column) => row[column] ?? null)
}

const suite = (name: string, engine: { open(): Promise<Decisions>; destroy(): Promise<unknown> }) =>
  describe(`ends: ${name}`, { timeout: 60_000 }, () => {
    let decisions: Decisions
    beforeAll(async () => {
      decisions = await engine.open()
      await decisions.ensureTables()
      await decisions.insert('decisions', made.map(rowOf))
      // A copy of every row, before the engine has merged them.
      await decisions.insert('decisions', made.map(rowOf))
    })
    afterAll(async () => {
      await decisions.close()
      await engine.destroy()
    })

    it.each([
      ['all of a time', at, at],
      ['some of a long time', at - 3_600_000, at + 3_600_000],
    ])('are counted, and what has none or too many is open: %s', async (_how, from, to) => {
      const answer = await countEnds(decisions, { ids: [...ended, ...open], run: 'live', from, to })
      expect(answer.ended).toEqual({ delivered: 2, partial: 1, dropped: 2, dead: 2 })
      expect([...answer.open].sort()).toEqual([...open].sort())
    })

    it('are counted of those that are asked for alone, of their run and time', async () => {
      const none = { delivered: 0, partial: 0, dropped: 0, dead: 0 }
      const ask = (ids: readonly string[], run: string, from: number) =>
        countEnds(decisions, { ids, run, from, to: from })
      expect(await ask(['sent'], 'live', at)).toEqual({
        ended: { ...none, delivered: 1 },
        open: [],
      })
      expect(await ask(['again'], 'r1', at)).toEqual({ ended: { ...none, delivered: 1 }, open: [] })
      expect(await ask(['sent'], 'live', at + 1)).toEqual({ ended: none, open: ['sent'] })
      expect(await ask([], 'live', at)).toEqual({ ended: none, open: [] })
    })

    it('stand exactly, event by event and run by run', async () => {
      const found = await standingsOf(decisions, { ids: [...ended, ...open], from: at, to: at })
      const flags = { sent: 0, delivered: 0, dead: 0, dropped: 0, retries: 0, nextAt: 0 }
      expect(found.get('later')).toEqual([
        {
          ...{ eventId: 'later', run: 'live', dispatchId: 'd8' },
          ...flags,
          ...{ sent: 1, retries: 2, nextAt: at + 9_000 },
        },
      ])
      expect(found.get('torn')).toEqual([
        {
          ...{ eventId: 'torn', run: 'live', dispatchId: 'd9' },
          ...{ ...flags, sent: 1, delivered: 1, dead: 1 },
        },
      ])
      expect(found.get('again')).toMatchObject([{ run: 'r1', sent: 1, delivered: 1 }])
      expect(found.get('both')).toHaveLength(2)
      expect(found.has('nothing')).toBe(false)
    })

    it('of dispatches are found whatever event they were made for', async () => {
      const asked = ['d1', 'd5', 'd6', 'd8', 'd12']
      const found = await endedDispatches(decisions, asked, at)
      expect([...found].sort()).toEqual(['d1', 'd12', 'd5'])
      expect(await endedDispatches(decisions, asked, at + 1)).toEqual(new Set())
    })
  })

let folder = ''
suite('chdb', {
  open: async () => {
    folder = await mkdtemp(join(tmpdir(), 'zenhook-ends-'))
    return createChdbDecisions({ folder })
  },
  destroy: () => rm(folder, { recursive: true, force: true }),
})

let front: ClickHouseFront | undefined
suite('clickhouse', {
  open: async () => {
    front = await startClickHouseFront()
    return createClickHouseDecisions({ url: front.url, timeoutMs: 15_000 })
  },
  destroy: async () => front?.close(),
})
