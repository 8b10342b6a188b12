import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Destination } from '../../core/registry/types.ts'
import { cleanups, receive, rigOf } from '../../test/fakes/delivery.ts'
import { type Fault, startReceiver } from '../../test/fakes/receiver.ts'
import { destinationOf, dispatchOf, eventOf, mapKv, type Rig, until } from '../../test/fakes/rig.ts'
import { startFakeServiceNow } from '../../test/fakes/servicenow.ts'
import { startFakeSlack } from '../../test/fakes/slack.ts'
import { retryAfterCapMs } from './schedule.ts'

const rigFor = (
  destinations: readonly Destination[],
  secrets: Readonly<Record<string, string>> = {},
): Promise<Rig> => rigOf(destinations, mapKv(), secrets)
const verdicts = async (rig: Rig): Promise<[string, string, number | undefined][]> =>
  (await rig.decisions()).map(({ verdict, reason, attempt }) => [verdict, reason, attempt])
const decided = (rig: Rig, count: number): Promise<void> =>
  until(async () => (await rig.decisions()).length >= count, `${count} decisions`, 18_000)

/** A destination per case, each with a receiver of its own that answers once so. */
const oncePer = async (cases: Readonly<Record<string, Fault>>): Promise<Destination[]> => {
  const made: Destination[] = []
  for (const [name, fault] of Object.entries(cases)) {
    const receiver = await receive()
    receiver.faults.push(fault)
    const retry = { attempts: 3, delaysMs: [600_000, 600_000] }
    made.push(destinationOf({ name, config: { url: receiver.url }, retry }))
  }
  return made
}

describe('F40: what a receiver asks for with 429', () => {
  const scheduled: readonly [number, number] = [540_000, 660_000]
  const year = 365 * 24 * 3_600_000
  const table: readonly [name: string, value: string, atLeast: number, atMost: number][] = [
    ['seconds', '1200', 1_200_000, 1_320_000],
    ['date', new Date(Date.now() + 1_500_000).toUTCString(), 1_400_000, 1_650_000],
    ['decimal', '1200.5', 1_200_500, 1_320_550],
    ['shorter-than-ours', '1', ...scheduled],
    ['negative', '-30', ...scheduled],
    ['past', new Date(Date.now() - year).toUTCString(), ...scheduled],
    ['garbage', 'soon; <script>', ...scheduled],
    ['absent', '', ...scheduled],
    ['ten-years', String((10 * year) / 1000), retryAfterCapMs, retryAfterCapMs * 1.1],
    ['endless', '9'.repeat(400), retryAfterCapMs, retryAfterCapMs * 1.1],
  ]

  it('is honoured, never shortens the schedule, and is capped at an hour; others go on', async () => {
    const healthy = await receive()
    const cases = table.map(([name, value]): [string, Fault] => [
      name,
      { status: 429, headers: value === '' ? {} : { 'retry-after': value } },
    ])
    const rig = await rigFor([
      ...(await oncePer(Object.fromEntries(cases))),
      destinationOf({ name: 'healthy', config: { url: healthy.url } }),
    ])
    await rig.send(table.map(([name]) => dispatchOf(name)))
    await rig.start()
    await decided(rig, table.length)
    await rig.send([dispatchOf('healthy')])
    await until(() => healthy.arrivals.length === 1, 'the other destination')
    const decisions = await rig.decisions()
    for (const [name, , atLeast, atMost] of table) {
      const decision = decisions.find(({ destination }) => destination === name)
      expect(decision, name).toMatchObject({ verdict: 'retry', reason: 'http_429' })
      const wait = Number(decision?.details.nextAt) - (decision?.at ?? 0)
      expect(wait, name).toBeGreaterThanOrEqual(atLeast)
      expect(wait, name).toBeLessThanOrEqual(atMost)
    }
    // Jitter: nobody comes back with the others.
    const times = decisions.flatMap(({ details, at }) => Number(details.nextAt) - at || [])
    expect(new Set(times).size).toBeGreaterThan(table.length / 2)
  })
})

describe('F42: a receiver that does not come to an end', () => {
  /** Answers at full speed and without an end. */
  const endless = async (): Promise<{ url: string; open: () => number; sent: () => number }> => {
    let open = 0
    let sent = 0
    const chunk = Buffer.alloc(16 * 1024, 'x')
    const server = createServer((_request, response) => {
      open += 1
      response.on('close', () => {
        open -= 1
      })
      response.writeHead(200)
      const more = (): void => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanups.push(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
    const { port } = server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}`, open: () => open, sent: () => sent }
  }

  it('is cut at one deadline, whatever it drips, and its socket is gone', async () => {
    const [hang, drip] = [await receive(), await receive()]
    hang.fault = { hang: true }
    drip.fault = { drip: true }
    const retry = { attempts: 1, delaysMs: [] }
    const rig = await rigFor([
      destinationOf({ name: 'hang', config: { url: hang.url }, retry }),
      destinationOf({ name: 'drip', config: { url: drip.url }, retry }),
    ])
    const count = 100
    await rig.send(
      Array.from({ length: count }, () => [dispatchOf('hang'), dispatchOf('drip')]).flat(),
    )
    await rig.start({ policy: { timeoutMs: 500 } })
    await until(async () => (await rig.dead()).length >= 20, 'the first dead letters', 15_000)
    const letters = await rig.decisions()
    expect(new Set(letters.map(({ verdict, reason }) => `${verdict} ${reason}`))).toEqual(
      new Set(['dead timeout']),
    )
    for (const { tookMs } of letters) {
      expect(tookMs).toBeGreaterThanOrEqual(450)
      expect(tookMs).toBeLessThan(5_000)
    }
    // What was sent may have been acted on.
    expect(letters.some(({ details }) => details.possibleDuplicate === true)).toBe(true)
    await until(() => hang.sockets.size + drip.sockets.size === 0, 'no socket left', 15_000)
  })

  it('is not read beyond 64 KiB', async () => {
    const flood = await endless()
    const rig = await rigFor([destinationOf({ config: { url: flood.url } })])
    await rig.send(Array.from({ length: 10 }, () => dispatchOf('hooks')))
    await rig.start({ policy: { timeoutMs: 10_000 } })
    await decided(rig, 10)
    for (const { verdict, tookMs } of await rig.decisions()) {
      // 2xx is what counts; the rest of the answer is nobody's business.
      expect(verdict).toBe('delivered')
      expect(tookMs).toBeLessThan(9_000)
    }
    await until(() => flood.open() === 0, 'every socket closed')
    // Sockets have buffers, at both ends.
    expect(flood.sent() / 10).toBeLessThan(8 * 1024 * 1024)
  })
})

describe('F43: a connection that breaks after the request was sent', () => {
  it('is tried again under the same id and flagged; who honours the id acts once', async () => {
    const effects = new Set<string>()
    const receiver = await startReceiver(({ headers }) => {
      effects.add(headers['webhook-id'] ?? '')
      return { status: 204 }
    })
    cleanups.push(() => receiver.close())
    receiver.faults.push(...Array.from({ length: 5 }, (): Fault => ({ reset: 'after' })))
    const rig = await rigFor([destinationOf({ config: { url: receiver.url } })])
    const dispatches = Array.from({ length: 5 }, () => dispatchOf('hooks'))
    await rig.send(dispatches)
    await rig.start()
    await decided(rig, 10)
    expect(effects).toEqual(new Set(dispatches.map(({ id }) => id)))
    expect(receiver.arrivals.length).toBe(10)
    const decisions = await rig.decisions()
    for (const { id } of dispatches) {
      const mine = decisions.filter(({ dispatchId }) => dispatchId === id)
      expect(mine.map(({ verdict }) => verdict)).toEqual(['retry', 'delivered'])
      expect(mine[0]?.details.possibleDuplicate).toBe(true)
    }
  })
})

describe('F44: a refusal inside of 200', () => {
  it('is what the protocol says it is: tried again, or dead at once', async () => {
    const slack = await startFakeSlack()
    const snow = await startFakeServiceNow()
    cleanups.push(
      () => slack.close(),
      () => snow.close(),
    )
    const secrets = { 'env:T': slack.token, 'env:U': snow.username, 'env:P': snow.password }
    const rig = await rigFor(
      [
        destinationOf({
          name: 'slack',
          connector: 'slack',
          config: { channel: '#oncall', baseUrl: slack.url },
          secrets: { token: 'env:T' },
        }),
        destinationOf({
          name: 'snow',
          connector: 'servicenow',
          config: { baseUrl: snow.url },
          secrets: { username: 'env:U', password: 'env:P' },
        }),
      ],
      secrets,
    )
    await rig.start()
    const send = async (name: string, count: number): Promise<void> => {
      const before = (await rig.decisions()).length
      await rig.send([dispatchOf(name, { event: eventOf({ facts: { title: 'x' } }) })])
      await decided(rig, before + count)
    }
    slack.refusals.push('internal_error')
    await send('slack', 2)
    slack.refusals.push('is_archived')
    await send('slack', 1)
    snow.refusals.push('Rate limit exceeded')
    await send('snow', 2)
    snow.refusals.push('Insert Aborted')
    await send('snow', 1)
    expect(await verdicts(rig)).toEqual(
      expect.arrayContaining([
        ['retry', 'internal_error', 1],
        ['delivered', 'delivered', 2],
        ['dead', 'is_archived', 1],
        ['retry', 'servicenow_refused', 1],
        ['dead', 'servicenow_refused', 1],
      ]),
    )
    expect((await verdicts(rig)).length).toBe(6)
    expect([slack.messages.length, snow.rows.size]).toEqual([1, 1])
  })
})

describe('F45: a request that is refused', () => {
  it('is dead at once, with the status as its cause; 410 ends the destination', async () => {
    const statuses = [400, 401, 403, 404, 405, 410, 413, 415, 422]
    const rig = await rigFor(
      await oncePer(Object.fromEntries(statuses.map((status) => [`s${status}`, { status }]))),
    )
    await rig.send(statuses.map((status) => dispatchOf(`s${status}`)))
    await rig.start()
    await decided(rig, statuses.length)
    const seen = (await rig.decisions()).map(
      ({ destination, verdict, reason }) => `${destination} ${verdict} ${reason}`,
    )
    expect(seen.sort()).toEqual(statuses.map((status) => `s${status} dead http_${status}`))
    await rig.send([dispatchOf('s410'), dispatchOf('s404')])
    await decided(rig, statuses.length + 2)
    const after = (await rig.decisions()).map(
      ({ destination, verdict, reason }) => `${destination} ${verdict} ${reason}`,
    )
    expect(after).toContain('s410 dead destination_disabled')
    expect(after).toContain('s404 delivered delivered')
  })

  it('for a token that has ended is made once more with a new one, and no more than once', async () => {
    const snow = await startFakeServiceNow()
    cleanups.push(() => snow.close())
    const destination = destinationOf({
      connector: 'servicenow',
      config: { baseUrl: snow.url },
      secrets: { clientId: 'env:C', clientSecret: 'env:S' },
    })
    const rig = await rigFor([destination], { 'env:C': snow.clientId, 'env:S': snow.clientSecret })
    await rig.start()
    const send = async (fingerprint: string): Promise<void> => {
      const before = (await rig.decisions()).length
      const event = eventOf({ facts: { title: fingerprint, fingerprint } })
      await rig.send([dispatchOf('hooks', { event })])
      await decided(rig, before + 1)
    }
    await send('one')
    snow.tokens.clear()
    await send('two')
    expect(snow.issued).toBe(2)
    expect(await verdicts(rig)).toEqual([
      ['delivered', 'delivered', 1],
      ['delivered', 'delivered', 1],
    ])
    // Tokens that are never accepted: one renewal, then it is dead.
    const { add } = snow.tokens
    snow.tokens.clear()
    snow.tokens.add = () => snow.tokens
    await send('three')
    snow.tokens.add = add
    expect(snow.issued).toBeLessThanOrEqual(4)
    expect(await verdicts(rig)).toContainEqual(['dead', 'http_401', 1])
  })
})

describe('F46: a redirect', () => {
  it.each([301, 302, 303, 307, 308])(
    'with %i is a failure, and nobody follows it',
    async (status) => {
      const [target, receiver] = [await receive(), await receive()]
      const location = `${target.url}/elsewhere`
      receiver.faults.push({ status, headers: { location } })
      const rig = await rigFor([
        destinationOf({
          config: { url: receiver.url, headers: { authorization: 'Bearer canary' } },
        }),
      ])
      await rig.send([dispatchOf('hooks')])
      await rig.start()
      await decided(rig, 2)
      expect(target.arrivals).toEqual([])
      expect(await verdicts(rig)).toEqual([
        ['retry', `http_${status}`, 1],
        ['delivered', 'delivered', 2],
      ])
    },
  )
})
