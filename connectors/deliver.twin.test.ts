import { describe, expect, it } from 'vitest'
import type { Dispatch } from '../core/event/index.ts'
import { receive, rigOf } from '../test/fakes/delivery.ts'
import type { Receiver } from '../test/fakes/receiver.ts'
import { destinationOf, dispatchOf, mapKv, type Rig, until } from '../test/fakes/rig.ts'

const setUp = async (fields: Parameters<typeof destinationOf>[0] = {}) => {
  const receiver = await receive()
  const destination = destinationOf({ config: { url: receiver.url }, ...fields })
  const rig = await rigOf([destination], mapKv())
  await rig.start()
  return { rig, receiver }
}
const settled = (rig: Rig): Promise<void> =>
  until(async () => (await rig.behind()) === 0, 'progress to the end')

/** The same delivery of the provider, taken for another event. */
const twinOf = (dispatch: Dispatch): Dispatch => ({
  ...dispatch,
  event: { ...dispatch.event, id: `${dispatch.event.id}-again` },
})

/** What the event came to, in order. */
const endsOf = async ({ log, codec }: Rig, { event }: Dispatch): Promise<string[]> => {
  const ends: string[] = []
  for (const { topic, partition, first: offset } of await log.ends('decisions'))
    for await (const record of log.read({ topic, partition, offset })) {
      const set = await codec.decode('decisions', record.value ?? new Uint8Array())
      if (set.eventId === event.id)
        for (const { verdict, reason } of set.decisions) ends.push(`${verdict} ${reason}`)
    }
  return ends
}
const webhookIds = ({ arrivals }: Receiver) => arrivals.map(({ headers }) => headers['webhook-id'])

describe('a delivery of the provider that came again as another event', () => {
  it('F26: is not sent again where it was delivered, and has its end all the same', async () => {
    const { rig, receiver } = await setUp()
    const dispatch = dispatchOf('hooks')
    const twin = twinOf(dispatch)
    await rig.send([dispatch])
    await settled(rig)
    await rig.send([twin, twin])
    await settled(rig)
    expect(webhookIds(receiver)).toEqual([dispatch.id])
    expect(await endsOf(rig, dispatch)).toEqual(['delivered delivered'])
    expect(new Set(await endsOf(rig, twin))).toEqual(new Set(['delivered already_delivered']))
  })

  it('F26: is tried where it died', async () => {
    const { rig, receiver } = await setUp()
    const dispatch = dispatchOf('hooks')
    const twin = twinOf(dispatch)
    receiver.faults.push({ status: 400 })
    await rig.send([dispatch])
    await settled(rig)
    await rig.send([twin])
    await settled(rig)
    expect(await endsOf(rig, dispatch)).toEqual(['dead http_400'])
    expect(await endsOf(rig, twin)).toEqual(['delivered delivered'])
    expect(webhookIds(receiver)).toEqual([dispatch.id, dispatch.id])
  })

  it('F26: is sent once while the first waits for its next attempt; both have their ends', async () => {
    const { rig, receiver } = await setUp({ retry: { attempts: 4, delaysMs: [1_500] } })
    const dispatch = dispatchOf('hooks')
    const twin = twinOf(dispatch)
    receiver.faults.push({ status: 503 })
    await rig.send([dispatch])
    await until(async () => (await endsOf(rig, dispatch)).length === 1, 'a first attempt')
    await rig.send([twin])
    await until(async () => (await endsOf(rig, dispatch)).length === 2, 'the second end')
    await settled(rig)
    expect(await endsOf(rig, twin)).toEqual(['delivered delivered'])
    expect(await endsOf(rig, dispatch)).toEqual(['retry http_503', 'delivered already_delivered'])
    // The one that failed, and the one that arrived.
    expect(webhookIds(receiver)).toEqual([dispatch.id, dispatch.id])
  })
})
