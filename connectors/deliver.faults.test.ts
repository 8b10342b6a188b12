import { describe, expect, it } from 'vitest'
import type { Log } from '../core/log/port.ts'
import { createMetrics } from '../core/telemetry/index.ts'
import { cleanups, receive, rigOf } from '../test/fakes/delivery.ts'
import { startReceiver } from '../test/fakes/receiver.ts'
import { destinationOf, dispatchOf, eventOf, mapKv, until } from '../test/fakes/rig.ts'

describe('trouble of one destination', () => {
  it('F47: that hangs is no trouble of the others, though it fills the windows', async () => {
    const [dead, alive] = [await receive(), await receive()]
    dead.fault = { hang: true }
    const names = Array.from({ length: 19 }, (_, index) => `good-${index}`)
    const rig = await rigOf(
      [
        destinationOf({ name: 'dead', config: { url: dead.url } }),
        ...names.map((name) => destinationOf({ name, config: { url: alive.url } })),
      ],
      mapKv(),
    )
    await rig.start({ policy: { timeoutMs: 12_000, graceMs: 100 } })
    // Far more for the dead one than the windows of both partitions hold.
    await rig.send(Array.from({ length: 600 }, () => dispatchOf('dead')))
    await until(() => dead.arrivals.length >= 60, 'hanging attempts')
    const good = names.flatMap((name) => Array.from({ length: 10 }, () => dispatchOf(name)))
    const sentAt = Date.now()
    await rig.send(good)
    await until(() => alive.arrivals.length === good.length, 'all good deliveries')
    // No hanging attempt has come to its end: nobody waited for one.
    expect(Date.now() - sentAt).toBeLessThan(8_000)
    expect((await rig.decisions()).some(({ reason }) => reason === 'timeout')).toBe(false)
  })

  it('that fails is probed, not stormed, and is drained when it is well again', async () => {
    const receiver = await receive()
    receiver.fault = { status: 500 }
    const delaysMs = Array(12).fill(300)
    const destination = destinationOf({
      config: { url: receiver.url },
      retry: { attempts: 13, delaysMs },
    })
    const rig = await rigOf([destination], mapKv())
    await rig.start()
    await rig.send(Array.from({ length: 40 }, () => dispatchOf('hooks')))
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    // All 40 once at most, before the breaker opened; then nothing while it is open.
    const stormed = receiver.arrivals.length
    expect(stormed).toBeGreaterThanOrEqual(10)
    expect(stormed).toBeLessThanOrEqual(40)
    receiver.fault = undefined
    await until(
      async () =>
        (await rig.decisions()).filter(({ verdict }) => verdict === 'delivered').length === 40,
      'all deliveries',
      15_000,
    )
    expect(receiver.arrivals.length).toBe(stormed + 40)
  })

  it('that is asked twice because the state store forgot its first attempt is told of as twice', async () => {
    const kv = mapKv()
    let forgotten = 0
    const receiver = await startReceiver(() => {
      if (forgotten === 0) {
        kv.values.clear()
        forgotten += 1
      }
      return { status: 204 }
    })
    cleanups.push(() => receiver.close())
    const rig = await rigOf([destinationOf({ config: { url: receiver.url } })], kv)
    await rig.start()
    await rig.send([dispatchOf('hooks')])
    await until(async () => (await rig.decisions()).length === 1, 'the decision')
    expect(receiver.arrivals).toHaveLength(2)
    expect(await rig.decisions()).toMatchObject([
      { verdict: 'delivered', attempt: 1, details: { possibleDuplicate: true } },
    ])
  })

  it('that asks for peace gets it, and the others go on', async () => {
    const [busy, alive] = [await receive(), await receive()]
    busy.faults.push({ status: 429, headers: { 'retry-after': '2' } })
    const rig = await rigOf(
      [
        destinationOf({ name: 'busy', config: { url: busy.url } }),
        destinationOf({ name: 'good', config: { url: alive.url } }),
      ],
      mapKv(),
    )
    await rig.start()
    await rig.send([dispatchOf('busy')])
    await until(() => busy.arrivals.length === 1, 'the refusal')
    const refusedAt = Date.now()
    await rig.send([dispatchOf('busy'), dispatchOf('busy'), dispatchOf('good')])
    await until(() => alive.arrivals.length === 1, 'the other')
    expect(Date.now() - refusedAt).toBeLessThan(1_500)
    await until(() => busy.arrivals.length === 4, 'all of the busy one')
    const [, ...later] = busy.arrivals
    for (const { at } of later) expect(at - refusedAt).toBeGreaterThan(1_800)
  })

  it('is held to its rate without a word in the decisions', async () => {
    const receiver = await receive()
    const destination = destinationOf({
      config: { url: receiver.url },
      rateLimit: { perSecond: 20, burst: 5 },
    })
    const rig = await rigOf([destination], mapKv())
    await rig.start()
    await rig.send(Array.from({ length: 45 }, () => dispatchOf('hooks')))
    const startedAt = Date.now()
    await until(() => receiver.arrivals.length === 45, 'all')
    expect(Date.now() - startedAt).toBeGreaterThan(1_700)
    const inOneSecond = receiver.arrivals.filter(({ at }) => at - startedAt < 1_000).length
    expect(inOneSecond).toBeLessThanOrEqual(27)
    await until(async () => (await rig.decisions()).length === 45, 'decisions')
  })
})

describe('a destination that the snapshot does not know', () => {
  it('yet is waited for, and gets what was decided by a newer revision', async () => {
    const receiver = await receive()
    const rig = await rigOf([], mapKv())
    await rig.start()
    await rig.send([dispatchOf('hooks')])
    await until(async () => (await rig.behind()) === 0, 'the dispatch to be put off')
    expect([await rig.dead(), await rig.decisions()]).toEqual([[], []])
    rig.registry.set([destinationOf({ config: { url: receiver.url } })])
    await until(async () => (await rig.decisions()).length === 1, 'a decision')
    expect(await rig.decisions()).toMatchObject([{ verdict: 'delivered', attempt: 1 }])
    expect(receiver.arrivals.length).toBe(1)
  })

  it('yet gets what was decided meanwhile in order where it is ordered', async () => {
    const receiver = await receive()
    const kv = mapKv()
    const rig = await rigOf([], kv)
    await rig.start()
    const [first, second, third] = [1, 2, 3].map(() => dispatchOf('hooks', { key: 'acme/hooks/k' }))
    if (!first || !second || !third) throw new Error('three')
    await rig.send([first, second])
    await until(async () => (await rig.behind()) === 0, 'the two to be put off')
    rig.registry.set([destinationOf({ config: { url: receiver.url }, ordered: true })])
    await rig.send([third])
    await until(async () => (await rig.decisions()).length === 3, 'three decisions')
    expect(receiver.arrivals.map(({ headers }) => headers['webhook-id'])).toEqual(
      [first, second, third].map(({ id }) => id),
    )
    expect(kv.values.get('order:acme/hooks/k')).toBe('[]')
  })

  it('yet loses nothing of an ordered key, however many wait, and of an unordered one keeps no list', async () => {
    const receiver = await receive()
    const kv = mapKv()
    const rig = await rigOf([], kv)
    await rig.start({ policy: { maxParked: 2 } })
    const ordered = Array.from({ length: 6 }, () => dispatchOf('line', { key: 'acme/line/k' }))
    await rig.send([...ordered, dispatchOf('hooks')])
    await until(async () => (await rig.behind()) === 0, 'all to be put off')
    const config = { url: receiver.url }
    const names = ['line', 'hooks']
    rig.registry.set(names.map((name) => destinationOf({ name, config, ordered: name === 'line' })))
    await until(async () => (await rig.decisions()).length === 7, 'seven decisions')
    expect(await rig.dead()).toEqual([])
    const lists = [...kv.values.keys()].filter((key) => key.startsWith('order:'))
    expect(lists).toEqual(['order:acme/line/k'])
  })

  it('and that is gone lets those of its ordered keys die at once, and keeps no list of them', async () => {
    const kv = mapKv()
    const rig = await rigOf([], kv)
    await rig.start()
    const { revision } = rig.registry.snapshot()
    await rig.send([dispatchOf('hooks', { key: 'acme/hooks/k', revision })])
    await until(async () => (await rig.dead()).length === 1, 'a dead letter')
    expect([...kv.values.keys()].filter((key) => key.startsWith('order:'))).toEqual([])
  })

  it('and that never comes lets its dispatches die', async () => {
    const rig = await rigOf([], mapKv())
    await rig.start()
    await rig.send([dispatchOf('hooks', { createdAt: Date.now() - 5 * 60_000 + 1_500 })])
    await until(async () => (await rig.behind()) === 0, 'the dispatch to be put off')
    expect(await rig.dead()).toEqual([])
    await until(async () => (await rig.dead()).length === 1, 'a dead letter')
    expect(await rig.dead()).toMatchObject([{ code: 'ZENHOOK_CONNECTOR_DESTINATION_UNKNOWN' }])
  })
})

describe('a stop', () => {
  it('attempts nothing before its time', async () => {
    const receiver = await receive()
    const rig = await rigOf([destinationOf({ config: { url: receiver.url } })], mapKv())
    const delivery = await rig.start()
    const notBefore = Date.now() + 900
    await rig.send([dispatchOf('hooks', { notBefore })])
    await new Promise((resolve) => setTimeout(resolve, 300))
    await delivery.close()
    expect(receiver.arrivals).toEqual([])
    await rig.start()
    await until(() => receiver.arrivals.length === 1, 'its attempt')
    expect(receiver.arrivals[0]?.at).toBeGreaterThanOrEqual(notBefore)
    await until(async () => (await rig.behind()) === 0, 'progress to the end')
  })
})

describe('a record that a topic does not take', () => {
  const large = () => dispatchOf('hooks', { event: eventOf({ body: { text: 'x'.repeat(6_000) } }) })

  it('as a dead letter becomes a pointer, and its neighbours are told of once', async () => {
    const receiver = await receive()
    receiver.faults.push({ status: 400 })
    const destination = destinationOf({ config: { url: receiver.url } })
    const limits = { dead: 3_000 }
    const rig = await rigOf([destination], mapKv(), {}, { partitions: 1, limits })
    await rig.start({ policy: { window: 1 } })
    const dispatch = large()
    await rig.send([dispatch, dispatchOf('hooks'), dispatchOf('hooks')])
    await until(async () => (await rig.behind()) === 0, 'progress to the end')
    expect((await rig.decisions()).map(({ verdict }) => verdict)).toEqual([
      ...['dead', 'delivered', 'delivered'],
    ])
    const [letter] = await rig.dead()
    expect(letter).toMatchObject({
      ...{ dispatchId: dispatch.id, code: 'ZENHOOK_CONNECTOR_REFUSED' },
      origin: { topic: 'dispatch', partition: 0, offset: 0 },
    })
    expect(letter?.original.length).toBe(0)
  })

  it('as a retry ends with a pointer, and leaves its place in line', async () => {
    const receiver = await receive()
    receiver.faults.push({ status: 503 })
    const destination = destinationOf({ config: { url: receiver.url }, ordered: true })
    const limits = { 'dispatch.retry.5s': 3_000 }
    const rig = await rigOf([destination], mapKv(), {}, { partitions: 1, tiers: true, limits })
    const [head, next] = [{ ...large(), key: 'k' }, dispatchOf('hooks', { key: 'k' })]
    await rig.start()
    await rig.send([head, next])
    await until(() => receiver.arrivals.length === 2, 'the next of the line', 20_000)
    await until(async () => (await rig.decisions()).length === 3, 'all decisions')
    expect(
      (await rig.decisions()).map(({ dispatchId, verdict, reason }) => [
        ...[dispatchId, verdict, reason],
      ]),
    ).toEqual([
      [head.id, 'retry', 'http_503'],
      [head.id, 'dead', 'too_large'],
      [next.id, 'delivered', 'delivered'],
    ])
    const [letter] = await rig.dead()
    expect(letter).toMatchObject({
      ...{ dispatchId: head.id, code: 'ZENHOOK_LOG_RECORD_TOO_LARGE' },
      origin: { topic: 'dispatch', partition: 0, offset: 0 },
    })
    expect(letter?.original.length).toBe(0)
  }, 40_000)
})

describe('a loop', () => {
  it('F83: ends after three hops with a dead letter', async () => {
    // Stands for our own ingress: what it gets comes back as an event of its own.
    const seen: string[] = []
    const loop = await startReceiver(({ headers }) => {
      seen.push(headers['zenhook-hops'] ?? '')
      const event = {
        ...dispatchOf('hooks').event,
        headers: { 'zenhook-hops': headers['zenhook-hops'] ?? '' },
      }
      void rig.send([dispatchOf('hooks', { event })])
      return { status: 202 }
    })
    cleanups.push(() => loop.close())
    const rig = await rigOf([destinationOf({ config: { url: loop.url } })], mapKv())
    await rig.start()
    await rig.send([dispatchOf('hooks')])
    await until(async () => (await rig.dead()).length === 1, 'the dead letter')
    expect(seen).toEqual(['1', '2', '3'])
    expect(await rig.dead()).toMatchObject([{ code: 'ZENHOOK_CONNECTOR_HOP_LIMIT' }])
  })
})

describe('retention that takes records before they were delivered', () => {
  it('is counted for the dispatches and for the tiers that delay them', async () => {
    const rig = await rigOf([], mapKv(), {}, { tiers: true })
    const metrics = createMetrics()
    const subscribe: Log['subscribe'] = (options, onBatch) => {
      const [topic = ''] = options.topics
      options.onGap?.({ topic, partition: 0, offset: 2, until: 5, group: options.group })
      return rig.log.subscribe(options, onBatch)
    }
    await rig.start({ log: { ...rig.log, subscribe }, metrics })
    const told = (await metrics.gaps.get()).values.map(({ labels, value }) => [labels, value])
    expect(told).toEqual([
      [{ group: 'connectors', topic: 'dispatch' }, 3],
      [{ group: 'delay', topic: 'dispatch.retry.5s' }, 3],
    ])
  })
})
