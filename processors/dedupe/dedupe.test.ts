import { describe, expect, it } from 'vitest'
import { ZenhookError } from '../../core/errors/index.ts'
import type { Item } from '../../core/stage/types.ts'
import { contextOf, eventOf, itemOf, never } from '../testing.ts'
import { createDedupe } from './index.ts'

const first = '01920000-0000-7000-8000-00000000000a'
const second = '01920000-0000-7000-8000-00000000000b'
const at = 1_760_000_000_000

const item = (id: string, offset: number, fields: Parameters<typeof eventOf>[0] = {}): Item =>
  itemOf(eventOf({ id, receivedAt: at, ...fields }), offset)

const openStage = () => {
  const stage = createDedupe(contextOf())
  return async (...items: Item[]): Promise<readonly string[]> =>
    (await stage.process(items, never)).map(({ decisions }) => decisions[0]?.reason ?? '')
}

describe('dedupe', () => {
  it('lets one of two equal events of one batch pass', async () => {
    const run = openStage()
    expect(await run(item(first, 0), item(second, 1))).toEqual(['first', 'duplicate'])
  })

  it('names the first event, how far it lies back and the window', async () => {
    const stage = createDedupe(contextOf())
    const copy = item(second, 1, { receivedAt: at + 900, deliveryId: 'd-1' })
    const [, outcome] = await stage.process([item(first, 0), copy], never)
    expect(outcome).toMatchObject({
      kind: 'drop',
      reason: 'duplicate',
      decisions: [
        {
          verdict: 'drop',
          reason: 'duplicate',
          details: {
            firstEventId: first,
            firstReceivedAt: at,
            apartMs: 900,
            windowMs: 60_000,
            by: 'delivery_id',
          },
        },
      ],
    })
    expect(outcome).not.toHaveProperty('copy')
  })

  it('lets a redelivery after a crash pass: same event, same position', async () => {
    const run = openStage()
    await run(item(first, 7))
    expect(await run(item(first, 7))).toEqual(['first'])
  })

  it('drops a second log copy of the same event, and says that it is one', async () => {
    const stage = createDedupe(contextOf())
    await stage.process([item(first, 7)], never)
    const [outcome] = await stage.process([item(first, 8)], never)
    expect(outcome).toMatchObject({ kind: 'drop', reason: 'log_copy', copy: true })
  })

  it('measures the window by receipt, never by processing', async () => {
    const context = contextOf()
    const stage = createDedupe(context)
    await stage.process([item(first, 0)], never)
    context.time += 3_600_000
    const within = item(second, 1, { receivedAt: at + 59_999 })
    const [late] = await stage.process([within], never)
    expect(late).toMatchObject({ reason: 'duplicate' })
    const outside = item('01920000-0000-7000-8000-00000000000c', 2, { receivedAt: at + 60_000 })
    const [next] = await stage.process([outside], never)
    expect(next).toMatchObject({ kind: 'emit' })
  })

  it('keeps tenants and sources apart', async () => {
    const run = openStage()
    expect(
      await run(
        item(first, 0),
        item(second, 1, { tenant: 'globex' }),
        item('01920000-0000-7000-8000-00000000000c', 2, { source: 'other' }),
      ),
    ).toEqual(['first', 'first', 'first'])
  })

  it('lets a replay pass what was live, and drops its own duplicates', async () => {
    const run = openStage()
    await run(item(first, 0))
    const replayed = (id: string, offset: number): Item => ({
      ...item(id, offset),
      run: 'replay-1',
    })
    expect(await run(replayed(first, 20), replayed(second, 21))).toEqual(['first', 'duplicate'])
    expect(await run(item(second, 1))).toEqual(['duplicate'])
  })

  it('takes keys of any length', async () => {
    const run = openStage()
    const dedupeKey = 'k'.repeat(100_000)
    expect(
      await run(
        item(first, 0, { dedupeKey }),
        item(second, 1, { dedupeKey }),
        item('01920000-0000-7000-8000-00000000000c', 2, { dedupeKey: `${dedupeKey}x` }),
      ),
    ).toEqual(['first', 'duplicate', 'first'])
  })

  it('claims a whole batch in one call', async () => {
    const context = contextOf()
    const sizes: number[] = []
    const { kv } = context
    const counting = {
      ...kv,
      claim: (claims: Parameters<typeof kv.claim>[0]) => {
        sizes.push(claims.length)
        return kv.claim(claims)
      },
    }
    const stage = createDedupe({ ...context, kv: counting })
    await stage.process([item(first, 0), item(second, 1)], never)
    expect(sizes).toEqual([2])
  })

  it('waits while the state store is away, and when it answers too little', async () => {
    const context = contextOf()
    const away = new ZenhookError('ZENHOOK_KV_UNAVAILABLE', { retriable: true })
    const failing = { ...context.kv, claim: () => Promise.reject(away) }
    const short = { ...context.kv, claim: () => Promise.resolve([]) }
    for (const kv of [failing, short])
      await expect(
        createDedupe({ ...context, kv }).process([item(first, 0)], never),
      ).rejects.toMatchObject({ code: 'ZENHOOK_KV_UNAVAILABLE', retriable: true })
  })
})
