import { describe, expect, it } from 'vitest'
import { type DispatchStatus, dispatchStatus, eventStatus, type Group, stateOf } from './status.ts'

const group = (over: Partial<Group>): Group => ({
  dispatchId: '',
  run: 'live',
  verdict: 'pass',
  reason: 'ok',
  at: 1,
  ...over,
})

describe('status', () => {
  it.each<[string, DispatchStatus[], string]>([
    ['all delivered', ['delivered', 'delivered'], 'delivered'],
    ['some delivered, some dead', ['delivered', 'dead'], 'partial'],
    ['some delivered, some dropped', ['delivered', 'dropped'], 'partial'],
    ['all dead', ['dead', 'dead'], 'dead'],
    ['dead and dropped', ['dropped', 'dead'], 'dead'],
    ['all dropped', ['dropped'], 'dropped'],
    ['nothing tried', ['pending'], 'routed'],
    ['one delivered, one not tried', ['delivered', 'pending'], 'routed'],
    ['one retried', ['delivered', 'retrying', 'parked', 'pending'], 'retrying'],
    ['one parked', ['delivered', 'parked', 'pending'], 'parked'],
    ['parked is no end', ['dead', 'parked'], 'parked'],
  ])('%s', (_, dispatches, expected) => {
    expect(eventStatus({ dispatches })).toBe(expected)
  })

  it.each<[string, Group[], string]>([
    ['nothing decided yet', [], 'accepted'],
    ['passed so far', [group({})], 'accepted'],
    ['dropped by a stage', [group({ verdict: 'drop' })], 'dropped'],
    ['died in a stage', [group({ verdict: 'dead' })], 'dead'],
    [
      'a dispatch outweighs the drop of a copy',
      [group({ verdict: 'drop', at: 9 }), group({ dispatchId: 'd', verdict: 'dispatch' })],
      'routed',
    ],
    [
      'the newest run of a dispatch counts',
      [
        group({ dispatchId: 'd', verdict: 'dead', at: 5 }),
        group({ dispatchId: 'd', run: 'replay', verdict: 'delivered', at: 9 }),
      ],
      'delivered',
    ],
    [
      'whatever the order of the groups',
      [
        group({ dispatchId: 'd', run: 'replay', verdict: 'retry', at: 9 }),
        group({ dispatchId: 'd', verdict: 'dead', at: 5 }),
      ],
      'retrying',
    ],
    [
      'a replay of one dispatch leaves the other as it was',
      [
        group({ dispatchId: 'a', verdict: 'delivered' }),
        group({ dispatchId: 'b', verdict: 'dead' }),
        group({ dispatchId: 'b', run: 'r', verdict: 'dead', at: 3 }),
      ],
      'partial',
    ],
    [
      'a replayed drop',
      [group({ verdict: 'drop', at: 1 }), group({ run: 'r', verdict: 'pass', at: 2 })],
      'accepted',
    ],
  ])('%s', (_, groups, expected) => {
    expect(eventStatus(stateOf(groups))).toBe(expected)
  })

  it.each([
    ['dispatch', 'routed', 'pending'],
    ['retry', 'http_503', 'retrying'],
    ['retry', 'parked', 'parked'],
    ['delivered', 'ok', 'delivered'],
    ['dead', 'expired', 'dead'],
    ['drop', 'disabled', 'dropped'],
  ])('a dispatch last decided %s (%s) is %s', (verdict, reason, expected) => {
    expect(dispatchStatus({ verdict, reason })).toBe(expected)
  })
})
