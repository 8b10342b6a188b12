import { describe, expect, it } from 'vitest'
import type { Standing } from '../decisions/ends.ts'
import { judge } from './judge.ts'

const row = (fields: Partial<Standing>): Standing => ({
  ...{ eventId: 'e', run: 'live', dispatchId: 'd1', sent: 1 },
  ...{ delivered: 0, dead: 0, dropped: 0, retries: 0, nextAt: 0 },
  ...fields,
})
const stage = (fields: Partial<Standing>): Standing => row({ dispatchId: '', sent: 0, ...fields })

describe('judge', () => {
  it.each<[string, readonly Standing[], object]>([
    ['nothing is known', [], { kind: 'undecided' }],
    ['a stage dropped it', [stage({ dropped: 1 })], { kind: 'ended', end: 'dropped' }],
    ['it died in a stage', [stage({ dead: 1 })], { kind: 'ended', end: 'dead' }],
    ['all delivered', [row({ delivered: 1 })], { kind: 'ended', end: 'delivered' }],
    [
      'one delivered, one dead',
      [row({ delivered: 1 }), row({ dispatchId: 'd2', dead: 1 })],
      { kind: 'ended', end: 'partial' },
    ],
    [
      'one dead, one to a disabled destination',
      [row({ dead: 1 }), row({ dispatchId: 'd2', sent: 0, dropped: 1 })],
      { kind: 'ended', end: 'dead' },
    ],
    [
      'delivered, but nobody decided that dispatch',
      [row({ sent: 0, delivered: 1 })],
      { kind: 'undecided' },
    ],
    [
      'one of two has not ended',
      [row({ delivered: 1 }), row({ dispatchId: 'd2', retries: 2 })],
      { kind: 'open', missing: [row({ dispatchId: 'd2', retries: 2 })] },
    ],
    [
      'delivered and dead',
      [row({ delivered: 1, dead: 1 })],
      { kind: 'contradiction', dispatches: ['d1'] },
    ],
    [
      'dropped in a stage, and dispatched',
      [stage({ dropped: 1 }), row({ delivered: 1 })],
      { kind: 'contradiction', dispatches: ['d1'] },
    ],
    [
      'dropped and dead in stages',
      [stage({ dropped: 1, dead: 1 })],
      { kind: 'contradiction', dispatches: [] },
    ],
    [
      'lost, and replayed from the dispatch on',
      [row({}), row({ run: 'r1', sent: 0, delivered: 1 })],
      { kind: 'ended', end: 'delivered' },
    ],
    [
      'lost before it was decided, and replayed',
      [row({ run: 'r1', delivered: 1 })],
      { kind: 'ended', end: 'delivered' },
    ],
    [
      'dead, and delivered by a replay: each run has its own end',
      [row({ dead: 1 }), row({ run: 'r1', delivered: 1 })],
      { kind: 'ended', end: 'dead' },
    ],
    [
      'waits for a retry, and a replay took it over: its next attempt counts',
      [row({ retries: 1, nextAt: 5 }), row({ run: 'r1', sent: 0, retries: 1, nextAt: 9 })],
      { kind: 'open', missing: [row({ retries: 1, nextAt: 9 })] },
    ],
    ['a replay that has not ended proves nothing', [row({ run: 'r1' })], { kind: 'undecided' }],
  ])('%s', (_what, rows, expected) => {
    expect(judge(rows, 'live')).toEqual(expected)
  })
})
