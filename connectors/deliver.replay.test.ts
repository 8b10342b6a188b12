import { describe, expect, it } from 'vitest'
import { type Dispatch, forceHeader, replayIdOf } from '../core/event/index.ts'
import { cleanups, receive, rigOf } from '../test/fakes/delivery.ts'
import { startFakeJira } from '../test/fakes/jira.ts'
import type { Receiver } from '../test/fakes/receiver.ts'
import { destinationOf, dispatchOf, mapKv, type Rig, until } from '../test/fakes/rig.ts'
import { knownDispatches } from './delivery/known.ts'

const setUp = async (fields: Parameters<typeof destinationOf>[0] = {}) => {
  const receiver = await receive()
  const rig = await rigOf([destinationOf({ config: { url: receiver.url }, ...fields })], mapKv())
  await rig.start()
  return { rig, receiver }
}
const settled = (rig: Rig): Promise<void> =>
  until(async () => (await rig.behind()) === 0, 'progress to the end')
const first = replayIdOf(1_000, 'a')
const second = replayIdOf(2_000, 'a')
const again = (dispatch: Dispatch, run = first): Dispatch => ({ ...dispatch, run })

/** As an operator forces it: the record lies there twice, as after a retried append. */
const force = async (rig: Rig, dispatch: Dispatch): Promise<void> => {
  const record = {
    topic: 'dispatch',
    key: dispatch.key,
    value: rig.codec.encode('dispatch', again(dispatch)),
    headers: { id: dispatch.event.id, [forceHeader]: '1' },
  }
  await rig.log.append([record, record])
  await settled(rig)
}

/** Run, verdict and reason of every decision, in order. */
const told = async ({ log, codec }: Rig): Promise<string[]> => {
  const lines: [number, string][] = []
  for (const { topic, partition, first: offset } of await log.ends('decisions')) {
    for await (const record of log.read({ topic, partition, offset })) {
      const set = await codec.decode('decisions', record.value ?? new Uint8Array())
      for (const { verdict, reason, at } of set.decisions) {
        lines.push([at, `${set.run === 'live' ? 'live' : 'replay'} ${verdict} ${reason}`])
      }
    }
  }
  return lines.sort(([a], [b]) => a - b).map(([, line]) => line)
}
const webhookIds = ({ arrivals }: Receiver) => arrivals.map(({ headers }) => headers['webhook-id'])
const replayIds = ({ arrivals }: Receiver) => arrivals.map((each) => each.headers['zenhook-replay'])

describe('a replayed dispatch', () => {
  it('is not sent to a destination that has it, and says so', async () => {
    const { rig, receiver } = await setUp()
    const dispatch = dispatchOf('hooks')
    await rig.send([dispatch])
    await settled(rig)
    await rig.send([again(dispatch), again(dispatch)])
    await settled(rig)
    expect(webhookIds(receiver)).toEqual([dispatch.id])
    expect(replayIds(receiver)).toEqual([undefined])
    const decisions = await rig.decisions()
    expect(decisions.at(-1)).toMatchObject({
      ...{ stage: 'deliver', verdict: 'delivered', reason: 'already_delivered' },
      details: { by: 'live' },
    })
    expect(decisions.at(-1)?.attempt).toBeUndefined()
    // Both copies of the replay's record give the same decision: one row.
    expect(new Set(decisions.map(({ id }) => id)).size).toBe(2)
    expect(await rig.dead()).toEqual([])
  })

  it('is sent all the same where an operator forces it: same id, same bytes, marked, once', async () => {
    const { rig, receiver } = await setUp()
    const dispatch = dispatchOf('hooks')
    await rig.send([dispatch])
    await settled(rig)
    await force(rig, dispatch)
    expect(webhookIds(receiver)).toEqual([dispatch.id, dispatch.id])
    expect(replayIds(receiver)).toEqual([undefined, first])
    expect(receiver.arrivals[1]?.digest).toBe(receiver.arrivals[0]?.digest)
    expect(await told(rig)).toEqual(['live delivered delivered', 'replay delivered delivered'])
    expect(await knownDispatches(rig.kv)([dispatch.id, 'dsp_none'])).toEqual([
      { delivered: true, run: first, position: expect.objectContaining({ topic: 'dispatch' }) },
      undefined,
    ])
  })

  it('is said once more by a connector without idempotency, where it is forced', async () => {
    const fake = await startFakeJira()
    cleanups.push(() => fake.close())
    const destination = destinationOf({
      connector: 'jira',
      config: { baseUrl: fake.url, project: 'OPS' },
      secrets: { email: ['env:EMAIL'], token: ['env:TOKEN'] },
    })
    const secrets = { 'env:EMAIL': fake.email, 'env:TOKEN': fake.token }
    const rig = await rigOf([destination], mapKv(), secrets)
    await rig.start()
    const dispatch = dispatchOf('hooks')
    await rig.send([dispatch])
    await settled(rig)
    await force(rig, dispatch)
    expect([...fake.issues.values()].map(({ comments }) => comments.length)).toEqual([1])
  })

  it('is sent where the first run died; a late copy of the first stays silent', async () => {
    const { rig, receiver } = await setUp()
    const dispatch = dispatchOf('hooks')
    receiver.faults.push({ status: 400 })
    await rig.send([dispatch])
    await settled(rig)
    await rig.send([again(dispatch)])
    await settled(rig)
    await rig.send([dispatch])
    await settled(rig)
    expect(replayIds(receiver)).toEqual([undefined, first])
    expect((await told(rig)).slice(0, 2)).toEqual([
      'live dead http_400',
      'replay delivered delivered',
    ])
    expect((await rig.dead()).length).toBe(1)
  })

  it('takes over from a run that waits for its next attempt: one effect, whoever comes last', async () => {
    const { rig, receiver } = await setUp({ retry: { attempts: 4, delaysMs: [3_000] } })
    const dispatch = dispatchOf('hooks')
    receiver.faults.push({ status: 503 })
    await rig.send([dispatch])
    await until(async () => (await rig.decisions()).length === 1, 'the first attempt')
    await rig.send([again(dispatch)])
    await until(async () => (await told(rig)).length === 3, 'three decisions')
    expect(await told(rig)).toEqual([
      'live retry http_503',
      'replay delivered delivered',
      'live delivered already_delivered',
    ])
    expect(replayIds(receiver)).toEqual([undefined, first])
  })

  it('dies with a dead letter of its own, and yields to a later replay', async () => {
    const { rig, receiver } = await setUp()
    const dispatch = dispatchOf('hooks')
    receiver.faults.push({ status: 400 }, { status: 400 })
    await rig.send([dispatch])
    await settled(rig)
    await rig.send([again(dispatch)])
    await settled(rig)
    expect(new Set((await rig.dead()).map(({ id }) => id)).size).toBe(2)
    await rig.send([again(dispatch, second)])
    await settled(rig)
    await rig.send([again(dispatch, first)])
    await settled(rig)
    expect(replayIds(receiver)).toEqual([undefined, first, second])
  })

  it('of an ordered destination takes over the place of what is parked, and blocks nobody', async () => {
    const { rig, receiver } = await setUp({
      ordered: true,
      retry: { attempts: 3, delaysMs: [4_000] },
    })
    const [head, next] = [dispatchOf('hooks', { key: 'k' }), dispatchOf('hooks', { key: 'k' })]
    receiver.faults.push({ status: 503 })
    await rig.send([head, next])
    await until(async () => (await rig.decisions()).length === 1, 'the first attempt')
    await rig.send([again(head)])
    await until(async () => receiver.arrivals.length >= 3, 'the key to go on', 15_000)
    await until(async () => (await told(rig)).length === 4, 'all decisions', 15_000)
    expect(webhookIds(receiver)).toEqual([head.id, head.id, next.id])
    expect(replayIds(receiver)).toEqual([undefined, first, undefined])
  })
})
