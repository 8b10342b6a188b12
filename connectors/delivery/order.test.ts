import { describe, expect, it } from 'vitest'
import type { Dispatch } from '../../core/event/index.ts'
import type { Destination } from '../../core/registry/types.ts'
import { cleanups, rigOf } from '../../test/fakes/delivery.ts'
import { type Receiver, startReceiver } from '../../test/fakes/receiver.ts'
import { destinationOf, dispatchOf, eventOf, mapKv, type Rig, until } from '../../test/fakes/rig.ts'
import { deliveryDefaults } from '../deliver.ts'
import { createOrder, lineLength, type Place } from './order.ts'
import { createRecords } from './records.ts'

/** A receiver that fails some dispatches some times. */
const receive = async (failures: Map<string, number>): Promise<Receiver> => {
  const receiver = await startReceiver(({ headers }) => {
    const id = headers['webhook-id'] ?? ''
    const left = failures.get(id) ?? 0
    failures.set(id, left - 1)
    return { status: left > 0 ? 503 : 204 }
  })
  cleanups.push(() => receiver.close())
  return receiver
}
const rigFor = async (
  receiver: Receiver,
  kv = mapKv(),
  tiers = false,
  rateLimit?: Destination['rateLimit'],
): Promise<Rig> => {
  const delaysMs = [50, 50, 50, 50, 50]
  const ordered = destinationOf({
    config: { url: receiver.url },
    ordered: true,
    retry: { attempts: 6, delaysMs },
    ...(rateLimit !== undefined && { rateLimit }),
  })
  return rigOf([ordered], kv, {}, { tiers })
}
const line = (key: string, count: number): Dispatch[] =>
  Array.from({ length: count }, () =>
    dispatchOf('hooks', { key: `acme/hooks/${key}`, event: eventOf({ key }) }),
  )
const ids = (dispatches: readonly Dispatch[]): string[] => dispatches.map(({ id }) => id)
const arrivedOf = (receiver: Receiver, dispatches: readonly Dispatch[]): string[] => {
  const wanted = new Set(ids(dispatches))
  return receiver.arrivals
    .map(({ headers }) => headers['webhook-id'] ?? '')
    .filter((id) => wanted.has(id))
}
const delivered = async (rig: Rig): Promise<number> =>
  (await rig.decisions()).filter(({ verdict }) => verdict === 'delivered').length

describe('an ordered destination', () => {
  it.each([
    ['with delays of the log', false],
    ['with delay tiers', true],
  ])(
    'holds back what follows a failing head, and nothing of other keys, %s',
    async (_name, tiers) => {
      const failures = new Map<string, number>()
      const receiver = await receive(failures)
      const rig = await rigFor(receiver, mapKv(), tiers)
      const [slow, other] = [line('slow', 5), line('other', 5)]
      const [head] = slow
      failures.set(head?.id ?? '', 2)
      await rig.send(slow.flatMap((dispatch, index) => [dispatch, other[index] ?? dispatch]))
      await rig.start()
      await until(async () => (await delivered(rig)) === 10, 'all ten', 15_000)
      expect(arrivedOf(receiver, slow)).toEqual([head?.id, head?.id, ...ids(slow)])
      expect(arrivedOf(receiver, other)).toEqual(ids(other))
      const lastOther = receiver.arrivals.findIndex(
        ({ headers }) => headers['webhook-id'] === other.at(-1)?.id,
      )
      const secondSlow = receiver.arrivals.findIndex(
        ({ headers }) => headers['webhook-id'] === slow[1]?.id,
      )
      expect(lastOther).toBeLessThan(secondSlow)
      expect(await rig.dead()).toEqual([])
    },
  )

  it('keeps the order over a restart while the key is parked', async () => {
    const failures = new Map<string, number>()
    const receiver = await receive(failures)
    const kv = mapKv()
    const rig = await rigFor(receiver, kv)
    const slow = line('slow', 4)
    failures.set(slow[0]?.id ?? '', 3)
    failures.set(slow[2]?.id ?? '', 1)
    await rig.send(slow)
    const first = await rig.start()
    await until(() => receiver.arrivals.length >= 1, 'the first attempt')
    await first.close()
    const late = line('slow', 1)
    await rig.send(late)
    await rig.start()
    await until(async () => (await delivered(rig)) === 5, 'all five', 15_000)
    const all = [...slow, ...late]
    const firsts = [...new Set(arrivedOf(receiver, all))]
    expect(firsts).toEqual(ids(all))
    const goods = (await rig.decisions())
      .filter(({ verdict }) => verdict === 'delivered')
      .sort((one, two) => one.at - two.at)
      .map(({ dispatchId }) => dispatchId)
    expect(goods).toEqual(ids(all))
    expect([...kv.values].filter(([key]) => key.startsWith('order:'))).toEqual([
      ['order:acme/hooks/slow', '[]'],
    ])
  })

  it('goes on after a head that died', async () => {
    const failures = new Map<string, number>()
    const receiver = await receive(failures)
    const rig = await rigFor(receiver)
    const slow = line('slow', 3)
    failures.set(slow[0]?.id ?? '', 99)
    await rig.send(slow)
    await rig.start()
    await until(async () => (await delivered(rig)) === 2, 'the two behind', 15_000)
    expect(await rig.dead()).toMatchObject([{ dispatchId: slow[0]?.id }])
    expect([...new Set(arrivedOf(receiver, slow))]).toEqual(ids(slow))
  })

  it('delivers a long line in order when more wait than fit in memory', async () => {
    const receiver = await receive(new Map())
    const rig = await rigFor(receiver)
    const many = line('many', 60)
    await rig.send(many)
    await rig.start()
    await until(async () => (await delivered(rig)) === 60, 'all of the line', 19_000)
    expect(arrivedOf(receiver, many)).toEqual(ids(many))
  })

  it('follows at once, and in order, when a head that failed has come through', async () => {
    const failures = new Map<string, number>()
    const receiver = await receive(failures)
    const rig = await rigFor(receiver)
    const many = line('many', 3 * lineLength)
    failures.set(many[0]?.id ?? '', 3)
    await rig.send(many)
    await rig.start()
    await until(async () => (await delivered(rig)) === many.length, 'all of the line', 20_000)
    expect([...new Set(arrivedOf(receiver, many))]).toEqual(ids(many))
    expect(await rig.dead()).toEqual([])
  }, 30_000)

  it.each([
    ['a receiver that is well', undefined],
    ['a rate limit', { perSecond: 400 }],
  ])(
    'loses nothing of a busy key, in order, and lets others pass: %s',
    async (_name, rateLimit) => {
      const receiver = await receive(new Map())
      const rig = await rigFor(receiver, mapKv(), false, rateLimit)
      const count = lineLength + deliveryDefaults.maxParked + 270
      const [busy, other] = [line('busy', count), line('other', 3)]
      await rig.send([...busy, ...other])
      await rig.start()
      await until(async () => (await delivered(rig)) === count + 3, 'all of both keys', 45_000)
      expect(arrivedOf(receiver, busy)).toEqual(ids(busy))
      expect(arrivedOf(receiver, other)).toEqual(ids(other))
      expect(await rig.dead()).toEqual([])
    },
    60_000,
  )
})

describe('the list of a key', () => {
  const place = (dispatch: string, seq: number): Place => ({ key: 'k', dispatch, seq })
  const make = (maxParked = 10) => {
    const clock = { now: 0 }
    const kv = mapKv()
    const records = createRecords(kv, 1000)
    const order = createOrder(kv, records, {
      ...{ ttlMs: 1e9, maxParked, roundMs: 5_000 },
      now: () => clock.now,
    })
    const turn = async (...of: Parameters<typeof place>) => (await order.turn(place(...of))).until
    return { clock, kv, records, order, turn }
  }

  it('sorts by the first place, whoever comes first', async () => {
    const { order, turn } = make()
    await order.park(place('c', 30))
    await order.park(place('a', 10), 5_000)
    await order.park(place('b', 20))
    expect(await turn('a', 10)).toBeUndefined()
    expect(await turn('b', 20)).toBe(5_002)
    expect(await turn('c', 30)).toBe(5_004)
    expect(await turn('new', 40)).toBe(5_006)
    await order.leave(place('a', 10))
    expect(await turn('b', 20)).toBeUndefined()
  })

  it('is bounded, and lets who is on it stay', async () => {
    const { order } = make(2)
    expect(await order.park(place('a', 1))).toBe(true)
    expect(await order.park(place('b', 2))).toBe(true)
    expect(await order.park(place('c', 3))).toBe(false)
    expect(await order.park(place('a', 1), 9)).toBe(true)
  })

  it('says who is on it, and sends those far behind a round later', async () => {
    const { order } = make(1_000)
    await order.park(place('head', 0), 5_000)
    for (let seq = 1; seq <= lineLength; seq += 1) await order.park(place(`p${seq}`, seq))
    expect(await order.turn(place('head', 0))).toEqual({ until: undefined, parked: true })
    const last = `p${lineLength}`
    expect(await order.turn(place('p1', 1))).toEqual({ until: 5_002, parked: true })
    expect(await order.turn(place('new', 999))).toEqual({
      until: 10_000 + 2 * (lineLength + 1),
      parked: false,
    })
    expect((await order.turn(place(last, lineLength))).until).toBe(10_000 + 2 * lineLength)
  })

  it('heals when a head ended and could not leave', async () => {
    const { order, records, turn } = make()
    await order.park(place('dead', 1))
    const ending = { verdict: 'dead', reason: 'x', at: 0, tookMs: 0, details: {} } as const
    await records.write('dead', { state: 'ended', attempt: 1, position: 'p', ending }, undefined)
    expect(await turn('next', 2)).toBeUndefined()
  })

  it('lets go of a head that never came back', async () => {
    const { clock, order, turn } = make()
    await order.park(place('lost', 1), 5_000)
    clock.now = 6_000
    expect(await turn('next', 2)).toBe(7_002)
    clock.now = 6_000 + 3_600_000
    expect(await turn('next', 2)).toBe(clock.now + 1_002)
    clock.now = 6_000 + 3_600_001
    expect(await turn('next', 2)).toBeUndefined()
  })

  it('waits for a head that could not come back while no connector ran', async () => {
    const { clock, order, turn } = make()
    await order.park(place('a', 1), 5_000)
    clock.now = 2 * 3_600_000
    // What came after it is read first: the head is still on its way.
    expect(await turn('b', 2)).toBe(clock.now + 1_002)
    expect(await turn('a', 1)).toBeUndefined()
    await order.leave(place('a', 1))
    expect(await turn('b', 2)).toBeUndefined()
    // A head of the same name again has its whole time again.
    await order.park(place('a', 1), 5_000)
    clock.now = 4 * 3_600_000
    expect(await turn('b', 2)).toBe(clock.now + 1_002)
  })

  it('lets go of one that waited itself and never came back, and of no other', async () => {
    const { clock, order, turn } = make()
    // Both waited behind somebody who is gone: no time is said for either.
    await order.park(place('lost', 1))
    await order.park(place('next', 2))
    const held = async (at: number): Promise<boolean> => {
      clock.now = at
      return (await turn('last', 3)) !== undefined
    }
    expect(await held(1_000)).toBe(true)
    expect(await held(62_000)).toBe(true)
    expect(await held(3_601_000)).toBe(true)
    // Now the first is gone, and the second has its whole time.
    expect(await held(3_601_001)).toBe(true)
    expect(await held(3_700_000)).toBe(true)
    expect(await held(3_601_001 + 3_600_000)).toBe(true)
    expect(await held(3_601_001 + 3_600_001)).toBe(false)
  })
})
