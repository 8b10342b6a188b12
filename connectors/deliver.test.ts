import { describe, expect, it } from 'vitest'
import { receive, rigOf } from '../test/fakes/delivery.ts'
import type { Receiver } from '../test/fakes/receiver.ts'
import { destinationOf, dispatchOf, eventOf, mapKv, type Rig, until } from '../test/fakes/rig.ts'
import { createBins } from './index.ts'

const hooks = (receiver: Receiver, fields = {}) =>
  destinationOf({ config: { url: receiver.url }, ...fields })
const settled = (rig: Rig): Promise<void> =>
  until(async () => (await rig.behind()) === 0, 'progress to the end')

describe('delivery', () => {
  it('delivers, decides and moves on', async () => {
    const receiver = await receive()
    const rig = await rigOf([hooks(receiver)], mapKv())
    const dispatches = Array.from({ length: 50 }, () => dispatchOf('hooks'))
    await rig.send(dispatches)
    await rig.start()
    await settled(rig)
    expect(new Set(receiver.arrivals.map(({ headers }) => headers['webhook-id']))).toEqual(
      new Set(dispatches.map(({ id }) => id)),
    )
    expect(receiver.arrivals.length).toBe(50)
    const decisions = await rig.decisions()
    expect(decisions.length).toBe(50)
    for (const decision of decisions) {
      expect(decision).toMatchObject({
        stage: 'deliver',
        verdict: 'delivered',
        reason: 'delivered',
        destination: 'hooks',
        route: 'all',
        attempt: 1,
        details: { connector: 'webhook', httpStatus: 204 },
      })
      expect(decision.details.possibleDuplicate).toBeUndefined()
    }
    expect(await rig.dead()).toEqual([])
  })

  it('tries again by the schedule, under one id, until it is delivered', async () => {
    const receiver = await receive()
    receiver.faults.push({ status: 503 }, { status: 500 })
    const rig = await rigOf([hooks(receiver)], mapKv())
    const dispatch = dispatchOf('hooks')
    await rig.send([dispatch])
    await rig.start()
    await until(async () => (await rig.decisions()).length === 3, 'three decisions')
    const decisions = await rig.decisions()
    expect(decisions.map(({ verdict, reason, attempt }) => [verdict, reason, attempt])).toEqual([
      ['retry', 'http_503', 1],
      ['retry', 'http_500', 2],
      ['delivered', 'delivered', 3],
    ])
    expect(new Set(decisions.map(({ id }) => id)).size).toBe(3)
    const [first] = decisions
    expect(Number(first?.details.nextAt)).toBeGreaterThan(first?.at ?? 0)
    expect(receiver.arrivals.map(({ headers }) => headers['webhook-id'])).toEqual(
      Array(3).fill(dispatch.id),
    )
    await settled(rig)
  })

  it('gives up with a dead letter that holds the cause and the record', async () => {
    const receiver = await receive()
    receiver.fault = { status: 500, body: 'boom' }
    const rig = await rigOf([hooks(receiver)], mapKv())
    const dispatch = dispatchOf('hooks')
    await rig.send([dispatch])
    await rig.start()
    await until(async () => (await rig.dead()).length === 1, 'a dead letter')
    expect(receiver.arrivals.length).toBe(4)
    const [letter] = await rig.dead()
    expect(letter).toMatchObject({
      tenant: 'acme',
      eventId: dispatch.event.id,
      dispatchId: dispatch.id,
      destination: 'hooks',
      stage: 'deliver',
      code: 'ZENHOOK_CONNECTOR_EXHAUSTED',
      message: 'The receiver answered 500: boom',
    })
    const original = await rig.codec.decode('dispatch', letter?.original ?? new Uint8Array())
    expect(original).toMatchObject({ id: dispatch.id, attempt: 3 })
    expect((await rig.decisions()).at(-1)).toMatchObject({ verdict: 'dead', attempt: 4 })
  })

  it.each([
    [400, 'ZENHOOK_CONNECTOR_REFUSED'],
    [404, 'ZENHOOK_CONNECTOR_REFUSED'],
    [410, 'ZENHOOK_CONNECTOR_DISABLED'],
  ])('does not repeat what was refused with %i', async (status, code) => {
    const receiver = await receive()
    receiver.fault = { status }
    const rig = await rigOf([hooks(receiver)], mapKv())
    await rig.send([dispatchOf('hooks')])
    await rig.start()
    await until(async () => (await rig.dead()).length === 1, 'a dead letter')
    expect(await rig.dead()).toMatchObject([{ code }])
    expect(receiver.arrivals.length).toBe(1)
  })

  it('sends nothing more to a destination after 410, until it is configured anew', async () => {
    const receiver = await receive()
    receiver.faults.push({ status: 410 })
    const rig = await rigOf([hooks(receiver)], mapKv())
    await rig.start()
    await rig.send([dispatchOf('hooks')])
    await until(async () => (await rig.dead()).length === 1, 'the first dead letter')
    await rig.send([dispatchOf('hooks')])
    await until(async () => (await rig.dead()).length === 2, 'the second dead letter')
    expect(receiver.arrivals.length).toBe(1)
    expect((await rig.decisions()).at(-1)).toMatchObject({ reason: 'destination_disabled' })
    rig.registry.set([hooks(receiver, { config: { url: `${receiver.url}/new` } })])
    await rig.send([dispatchOf('hooks')])
    await until(() => receiver.arrivals.length === 2, 'a delivery under the new configuration')
  })

  it('ends what no attempt can help, each with its cause', async () => {
    const receiver = await receive()
    const day = 24 * 3_600_000
    const rig = await rigOf(
      [
        hooks(receiver),
        destinationOf({ name: 'off', disabled: true, config: { url: receiver.url } }),
        destinationOf({ name: 'odd', connector: 'carrier-pigeon' }),
        destinationOf({ name: 'wrong', config: { uri: 'x' } }),
      ],
      mapKv(),
    )
    await rig.send([
      dispatchOf('nowhere', { revision: rig.registry.snapshot().revision }),
      dispatchOf('off'),
      dispatchOf('odd'),
      dispatchOf('wrong'),
      dispatchOf('hooks', { createdAt: Date.now() - 2 * day }),
      dispatchOf('hooks', { transform: '$error("no")' }),
    ])
    await rig.log.append([{ topic: 'dispatch', key: 'x', value: new Uint8Array([1, 2, 3]) }])
    await rig.start()
    await settled(rig)
    const codes = (await rig.dead()).map(({ destination, code }) => [destination, code])
    expect(new Set(codes.map(String))).toEqual(
      new Set(
        [
          ['nowhere', 'ZENHOOK_CONNECTOR_DESTINATION_UNKNOWN'],
          ['off', 'ZENHOOK_CONNECTOR_DISABLED'],
          ['odd', 'ZENHOOK_CONNECTOR_UNKNOWN'],
          ['wrong', 'ZENHOOK_CONNECTOR_CONFIG_INVALID'],
          ['hooks', 'ZENHOOK_CONNECTOR_EXPIRED'],
          ['hooks', 'ZENHOOK_CONNECTOR_TRANSFORM_FAILED'],
          [undefined, 'ZENHOOK_STAGE_UNDECODABLE'],
        ].map(String),
      ),
    )
    expect(codes.length).toBe(7)
    expect(receiver.arrivals).toEqual([])
  })

  it('transforms with the event at hand', async () => {
    const receiver = await receive()
    const rig = await rigOf([hooks(receiver)], mapKv())
    const event = eventOf({ body: { repository: { full_name: 'acme/app' } } })
    const transform = '{ "text": "Build failed in " & data.repository.full_name }'
    await rig.send([dispatchOf('hooks', { event, transform })])
    await rig.start()
    await settled(rig)
    expect(JSON.parse(String(receiver.arrivals[0]?.body))).toEqual({
      text: 'Build failed in acme/app',
    })
  })

  it('takes secrets out of what a receiver echoes', async () => {
    const receiver = await receive()
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
    receiver.fault = { status: 400, body: `bad key ${secret} sent` }
    const rig = await rigOf([hooks(receiver, { secrets: { signing: 'env:S' } })], mapKv(), {
      'env:S': secret,
    })
    await rig.send([dispatchOf('hooks')])
    await rig.start()
    await until(async () => (await rig.dead()).length === 1, 'a dead letter')
    expect(JSON.stringify([await rig.dead(), await rig.decisions()])).not.toContain(secret)
  })
})

describe('copies and crashes', () => {
  it('settle a copy of what is done without another word', async () => {
    const receiver = await receive()
    const rig = await rigOf([hooks(receiver)], mapKv())
    const dispatch = dispatchOf('hooks')
    await rig.start()
    await rig.send(Array.from({ length: 20 }, () => dispatch))
    await settled(rig)
    await rig.send([dispatch])
    await settled(rig)
    expect(receiver.arrivals.length).toBe(1)
    expect((await rig.decisions()).length).toBe(1)
  })

  it('try again under the same id what was started and not finished, and say so', async () => {
    const receiver = await receive()
    const kv = mapKv()
    const rig = await rigOf([hooks(receiver)], kv)
    const dispatch = dispatchOf('hooks')
    kv.values.set(
      `dispatch:live:${dispatch.id}`,
      JSON.stringify({
        ...{ state: 'started', attempt: 1, position: 'dispatch/0/0', owner: 'the dead' },
        leaseUntil: Date.now() + 60_000,
      }),
    )
    await rig.send([dispatch])
    await rig.start()
    await settled(rig)
    expect(receiver.arrivals.map(({ headers }) => headers['webhook-id'])).toEqual([dispatch.id])
    expect(await rig.decisions()).toMatchObject([
      { verdict: 'delivered', details: { possibleDuplicate: true } },
    ])
  })

  it('write the outputs of an ending again when the process died before they were in the log', async () => {
    const receiver = await receive()
    const kv = mapKv()
    const rig = await rigOf([hooks(receiver)], kv, {}, { partitions: 1 })
    const dispatch = dispatchOf('hooks')
    const ending = {
      ...{ verdict: 'retry', reason: 'http_503', at: 5, tookMs: 1, details: {} },
      nextAt: Date.now() + 30,
    }
    kv.values.set(
      `dispatch:live:${dispatch.id}`,
      JSON.stringify({ state: 'ended', attempt: 1, position: 'dispatch/0/0', ending }),
    )
    await rig.send([dispatch])
    await rig.start()
    await until(async () => (await rig.decisions()).length === 2, 'both decisions')
    expect(receiver.arrivals.length).toBe(1)
    expect(await rig.decisions()).toMatchObject([
      { verdict: 'retry', at: 5, attempt: 1 },
      { verdict: 'delivered', attempt: 2 },
    ])
  })

  it('flag an attempt that broke off after it was sent', async () => {
    const receiver = await receive()
    receiver.faults.push({ reset: 'after' })
    const rig = await rigOf([hooks(receiver)], mapKv())
    await rig.send([dispatchOf('hooks')])
    await rig.start()
    await until(async () => (await rig.decisions()).length === 2, 'both decisions')
    expect(await rig.decisions()).toMatchObject([
      { verdict: 'retry', reason: 'connection_failed', details: { possibleDuplicate: true } },
      { verdict: 'delivered', attempt: 2 },
    ])
  })

  it('lose nothing while the state store is away', async () => {
    const receiver = await receive()
    const kv = mapKv()
    const rig = await rigOf([hooks(receiver)], kv)
    kv.away = true
    await rig.send([dispatchOf('hooks'), dispatchOf('hooks')])
    await rig.start()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(receiver.arrivals).toEqual([])
    kv.away = false
    await settled(rig)
    expect(receiver.arrivals.length).toBe(2)
  })

  it('neither stay open nor go out again after a fault of ours while their end is written', async () => {
    const receiver = await receive()
    const kv = mapKv()
    const { replace } = kv
    let faults = 3
    kv.replace = async (entries) => {
      const ends = entries.some(({ value }) => value.includes('"state":"ended"'))
      if (ends && faults-- > 0) throw new TypeError('a fault of ours')
      return replace(entries)
    }
    const rig = await rigOf([hooks(receiver)], kv)
    await rig.send([dispatchOf('hooks'), dispatchOf('hooks')])
    await rig.start()
    await settled(rig)
    expect(faults).toBeLessThanOrEqual(0)
    expect(receiver.arrivals.length).toBe(2)
    expect((await rig.decisions()).map(({ verdict }) => verdict)).toEqual([
      'delivered',
      'delivered',
    ])
  })
})

describe('a move of partitions', () => {
  it('sends nothing twice and loses no decision', async () => {
    const receiver = await receive()
    receiver.fault = { delayMs: 150 }
    const rig = await rigOf([hooks(receiver)], mapKv(true), {}, { partitions: 4 })
    const dispatches = Array.from({ length: 60 }, () => dispatchOf('hooks'))
    await rig.send(dispatches)
    const first = await rig.start({ policy: { window: 4 } })
    await until(() => receiver.arrivals.length >= 8, 'attempts under way')
    await rig.start({ policy: { window: 4 } })
    await until(() => receiver.arrivals.length >= 20, 'more attempts')
    await first.close()
    await settled(rig)
    expect(receiver.arrivals.length).toBe(60)
    const decisions = await rig.decisions()
    expect(new Set(decisions.map(({ dispatchId }) => dispatchId))).toEqual(
      new Set(dispatches.map(({ id }) => id)),
    )
    expect(decisions.filter(({ details }) => details.possibleDuplicate)).toEqual([])
  })
})

describe('a log without delays of its own', () => {
  it('gets retries through delay tiers', async () => {
    const receiver = await receive()
    receiver.faults.push({ status: 503 }, { status: 503 })
    const rig = await rigOf([hooks(receiver)], mapKv(), {}, { tiers: true })
    await rig.send([dispatchOf('hooks')])
    await rig.start()
    await until(async () => (await rig.decisions()).length === 3, 'three decisions')
    expect((await rig.decisions()).at(-1)).toMatchObject({ verdict: 'delivered', attempt: 3 })
  })
})

describe('a stop', () => {
  it('lets what is under way finish, and starts nothing new', async () => {
    const receiver = await receive()
    receiver.fault = { delayMs: 300 }
    const rig = await rigOf([hooks(receiver)], mapKv(), {}, { partitions: 1 })
    const delivery = await rig.start({ policy: { window: 2 } })
    await rig.send(Array.from({ length: 6 }, () => dispatchOf('hooks')))
    await until(() => receiver.arrivals.length === 2, 'two arrivals')
    await delivery.close()
    expect(receiver.arrivals.length).toBe(2)
    expect((await rig.decisions()).map(({ verdict }) => verdict)).toEqual([
      'delivered',
      'delivered',
    ])
    expect(await rig.behind()).toBe(4)
    receiver.fault = undefined
    await rig.start()
    await settled(rig)
    expect(receiver.arrivals.length).toBe(6)
  })

  it('cuts what hangs after the grace, and counts it as no failure', async () => {
    const receiver = await receive()
    receiver.faults.push({ hang: true })
    const rig = await rigOf([hooks(receiver)], mapKv())
    const delivery = await rig.start({ policy: { graceMs: 100 } })
    await rig.send([dispatchOf('hooks')])
    await until(() => receiver.arrivals.length === 1, 'an arrival')
    await delivery.close()
    expect(await rig.decisions()).toEqual([])
    expect(await rig.behind()).toBe(1)
    await rig.start()
    await settled(rig)
    expect(await rig.decisions()).toMatchObject([
      { verdict: 'delivered', attempt: 1, details: { possibleDuplicate: true } },
    ])
  })
})

describe('the bin', () => {
  it('gets what a webhook would have sent', async () => {
    const bins = createBins()
    const rig = await rigOf([destinationOf({ name: 'seen', connector: 'bin' })], mapKv())
    const dispatch = dispatchOf('seen')
    await rig.send([dispatch])
    await rig.start({ putInBin: bins.putInBin })
    await settled(rig)
    const [request] = bins.requests(bins.named('acme/seen')) ?? []
    expect(request).toMatchObject({
      method: 'POST',
      headers: { 'webhook-id': dispatch.id, 'content-type': 'application/json' },
    })
    expect(new Uint8Array(request?.body ?? [])).toEqual(dispatch.event.raw)
    const [decision] = await rig.decisions()
    expect(decision?.details.externalId).toBe(bins.named('acme/seen'))
  })
})
