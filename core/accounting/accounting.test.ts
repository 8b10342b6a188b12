import { describe, expect, it } from 'vitest'
import { replayIdOf } from '../event/index.ts'
import type { AuditFilter } from './index.ts'
import {
  type AccountingRig,
  codec,
  dropping,
  eventOf,
  many,
  receivedOf,
  refused,
  replayed,
  startRig,
} from './testing/index.ts'
import { accountant, audited, cleanups, decisions, rigOf, settled } from './testing/suite.ts'

const gauge = async (rig: AccountingRig): Promise<number | undefined> =>
  (await rig.metrics.unaccounted.get()).values[0]?.value

describe('accounting', { timeout: 60_000 }, () => {
  it('finds that every event has ended, each in its way, copies counted once', async () => {
    const { rig, kv } = await rigOf({
      answer: (destination, { type }) =>
        destination === 'two' || type === 'dead' ? refused(false) : { kind: 'delivered' },
    })
    const twice = eventOf()
    const duplicates = [eventOf({ dedupeKey: 'same' }), eventOf({ dedupeKey: 'same' })]
    await rig.receive(...many(300, 'note'), ...many(20, 'both'), ...many(7, 'nowhere'))
    await rig.receive(twice, twice, ...duplicates)
    await rig.receive(twice)
    const report = await settled(accountant(rig, kv))
    expect(report).toMatchObject({
      ended: { delivered: 302, partial: 20, dropped: 8, dead: 0 },
      unaccounted: 0,
      open: { pending: 0, retrying: 0, waiting: 0, spooled: 0 },
    })
    expect(await gauge(rig)).toBe(0)
    const { report: asked, named } = await audited(rig)
    expect(asked).toMatchObject({ events: 330, ended: report.ended, unaccounted: 0, gaps: [] })
    expect(named).toEqual([])
  })

  it('names the event whose dispatch was lost', async () => {
    const losing = dropping(({ topic }) => topic === 'dispatch')
    const { rig, kv } = await rigOf({ drop: losing.drop })
    await rig.receive(...many(50, 'note'), ...many(10, 'both'))
    const accounting = accountant(rig, kv)
    const report = await settled(accounting)
    expect(losing.lost()).toBeDefined()
    expect(report.unaccounted).toBe(1)
    expect(report.named).toMatchObject([
      { id: losing.lost(), cause: 'dispatch_lost', tenant: 'acme', source: 'hook', run: 'live' },
    ])
    expect(report.named[0]?.dispatches).toHaveLength(1)
    expect(await gauge(rig)).toBe(1)
    const { report: asked, named } = await audited(rig)
    expect(named.map(({ id }) => id)).toEqual([losing.lost()])
    expect(asked).toMatchObject({ events: 60, unaccounted: 1 })
    expect(asked.ended.delivered).toBe(59)
  })

  it('names the event whose decisions were lost, though it was delivered', async () => {
    const losing = dropping(({ topic }) => topic === 'decisions')
    const { rig, kv } = await rigOf({ drop: losing.drop })
    await rig.receive(...many(30, 'note'))
    const report = await settled(accountant(rig, kv))
    expect(report.named).toMatchObject([{ id: losing.lost(), cause: 'undecided' }])
    expect((await audited(rig)).named).toMatchObject([{ id: losing.lost() }])
  })

  it('names the event whose retry was lost, once it is overdue', async () => {
    const losing = dropping(
      ({ topic, notBefore }) => topic === 'dispatch' && notBefore !== undefined,
    )
    const { rig, kv } = await rigOf({ drop: losing.drop, answer: () => refused(true) })
    const events = many(3, 'slow')
    await rig.receive(...events)
    let now = Date.now()
    const accounting = accountant(rig, kv, { now: () => now, graceMs: 60_000 })
    now += 120_000
    expect(await settled(accounting)).toMatchObject({ unaccounted: 0, open: { retrying: 3 } })
    // Two of them lie in the log, late as they are by this clock.
    now += 2 * 3_600_000
    const report = await settled(accounting)
    expect(report.open).toMatchObject({ retrying: 0, waiting: 2 })
    expect(report.named).toMatchObject([{ id: losing.lost(), cause: 'retry_lost' }])
    expect(events.map(({ id }) => id)).toContain(losing.lost())
  })

  it('does not miss a retry that a replay took over', async () => {
    // The live record is settled in silence when its time comes: here it is gone from the start.
    const losing = dropping(
      ({ topic, notBefore }) => topic === 'dispatch' && notBefore !== undefined,
    )
    const { rig, kv } = await rigOf({ drop: losing.drop, answer: () => refused(true) })
    await rig.receive(eventOf({ type: 'slow' }))
    let now = Date.now()
    const accounting = accountant(rig, kv, { now: () => now, graceMs: 60_000 })
    now += 120_000
    expect(await settled(accounting)).toMatchObject({ open: { retrying: 1 } })
    await replayed(rig, replayIdOf(now, 'a'))
    const retries = async () =>
      decisions.select<{ run: string }>(
        `SELECT DISTINCT run FROM decisions WHERE event_id = {id:String} AND verdict = 'retry'`,
        { id: losing.lost() ?? '' },
      )
    await expect.poll(retries, { timeout: 20_000, interval: 200 }).toHaveLength(2)
    now += 3 * 3_600_000
    expect(await settled(accounting)).toMatchObject({
      unaccounted: 0,
      open: { retrying: 0, waiting: 1 },
    })
  })

  it('finds what was received by a clock far ahead, for brokers take no such time', async () => {
    const { rig, kv } = await rigOf()
    const ahead = Date.now() + 48 * 3_600_000
    const digits = ahead.toString(16).padStart(12, '0')
    const id = `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-000000000001`
    const record = receivedOf(eventOf({ id, receivedAt: ahead }))
    await rig.log.append([{ ...record, timestamp: Date.now() }])
    await settled(accountant(rig, kv))
    expect((await audited(rig)).report).toMatchObject({ unaccounted: 0, ended: { delivered: 1 } })
  })

  it('names an event that was delivered and died', async () => {
    const { rig, kv } = await rigOf()
    const event = eventOf()
    await rig.receive(event, ...many(5, 'note'))
    await settled(accountant(rig, kv))
    const [row] = await decisions.select<{ dispatch_id: string }>(
      `SELECT dispatch_id FROM decisions WHERE event_id = {id:String} AND verdict = 'delivered'`,
      { id: event.id },
    )
    await rig.log.append([
      {
        topic: 'decisions',
        key: event.id,
        headers: { id: event.id },
        value: codec.encode('decisions', {
          ...{ tenant: 'acme', source: 'hook', eventId: event.id, type: 'note', run: 'live' },
          receivedAt: event.receivedAt,
          decisions: [
            {
              ...{
                id: 'other',
                stage: 'deliver',
                verdict: 'dead',
                reason: 'expired',
                at: Date.now(),
              },
              ...{ tookMs: 0, details: {}, attempt: 2, dispatchId: row?.dispatch_id ?? '' },
            },
          ],
        }),
      },
    ])
    await expect
      .poll(async () => (await audited(rig)).named, { timeout: 20_000, interval: 200 })
      .toMatchObject([{ id: event.id, cause: 'contradiction', dispatches: [row?.dispatch_id] }])
  })

  it('keeps what retries open, and reads it once', async () => {
    const { rig, kv } = await rigOf({
      answer: (destination) => (destination === 'slow' ? refused(true) : { kind: 'delivered' }),
    })
    await rig.receive(...many(3, 'slow'), ...many(40, 'note'))
    const accounting = accountant(rig, kv)
    const report = await settled(accounting)
    expect(report.open).toMatchObject({ retrying: 3, pending: 0, waiting: 0 })
    expect(report).toMatchObject({ unaccounted: 0, ended: { delivered: 40 } })
    await accounting.close()
    // Another process goes on where this one stopped, and reads what is new alone.
    let read = 0
    const counting: typeof rig.log.read = async function* (from, to, signal) {
      for await (const record of rig.log.read(from, to, signal)) {
        if (record.topic === 'received') read += 1
        yield record
      }
    }
    const log = { ...rig.log, read: counting }
    await rig.receive(...many(2, 'note'))
    const next = await settled(accountant(rig, kv, { log }))
    expect(next).toMatchObject({ unaccounted: 0, ended: { delivered: 42 }, open: { retrying: 3 } })
    expect(read).toBe(2)
  })

  it('an audit waits once for a group that is behind, however much is in doubt', async () => {
    const { rig } = await rigOf()
    await rig.close()
    await rig.receive(...many(8_100, 'note'))
    const startedAt = performance.now()
    const { report } = await audited(rig, {}, 0, { patienceMs: 4_000 })
    expect(report).toMatchObject({ events: 8_100, unaccounted: 0, behind: { group: 'chain' } })
    expect(performance.now() - startedAt).toBeLessThan(8_000)
  }, 30_000)

  it('takes lateness for no loss', async () => {
    const { rig, kv } = await rigOf()
    await rig.close()
    // Nobody works: all waits in the log.
    await rig.receive(...many(10, 'note'))
    const accounting = accountant(rig, kv, { patienceMs: 300 })
    expect(await accounting.run()).toMatchObject({ unaccounted: 0, open: { pending: 10 } })
    const late = await accounting.run()
    expect(late).toMatchObject({ unaccounted: 0, open: { pending: 10 } })
    expect(late?.behind?.group).toBe('chain')
    const again = await startRig({ log: rig.log, kv, decisions })
    cleanups.push(() => again.close())
    expect(await settled(accounting)).toMatchObject({ unaccounted: 0, ended: { delivered: 10 } })
  })

  it('finds dispatches that were put off waiting in the log', async () => {
    const { rig, kv } = await rigOf({
      answer: () => ({ ...refused(true), status: 429, retryAfterMs: 60_000 }),
    })
    const accounting = accountant(rig, kv)
    await rig.receive(eventOf())
    await settled(accounting)
    // The pause that the receiver asked for holds for the next one too: it hops without a decision.
    await rig.receive(eventOf())
    await expect
      .poll(async () => (await accounting.run())?.open, { timeout: 20_000, interval: 200 })
      .toMatchObject({ retrying: 1, waiting: 1, pending: 0 })
    expect((await audited(rig)).report).toMatchObject({
      unaccounted: 0,
      open: { retrying: 1, waiting: 1 },
    })
  })

  it('counts what cannot be decoded as dead, by its dead letter', async () => {
    const { rig, kv } = await rigOf()
    const broken = eventOf()
    await rig.log.append([
      { ...receivedOf(broken), value: new Uint8Array([0, 0, 0, 0, 9, 1]) },
      { topic: 'received', key: null, value: new Uint8Array([7]), headers: {} },
    ])
    await rig.receive(...many(4, 'note'))
    const report = await settled(accountant(rig, kv))
    expect(report).toMatchObject({ unaccounted: 0, ended: { delivered: 4, dead: 2 } })
  })

  it('is done by one process at a time', async () => {
    const { rig, kv } = await rigOf()
    await rig.receive(...many(5, 'note'))
    const [first, second] = [accountant(rig, kv), accountant(rig, kv)]
    expect(await first.run()).toBeDefined()
    expect(await second.run()).toBeUndefined()
    await first.close()
    expect((await settled(second)).ended.delivered).toBe(5)
  })

  it('audits a range of time, a tenant, a source', async () => {
    const { rig } = await rigOf()
    await rig.receive(...many(20, 'note'), eventOf({ tenant: 'other' }))
    const between = Date.now() + 1
    await new Promise((resolve) => setTimeout(resolve, 20))
    await rig.receive(...many(5, 'note'), eventOf({ source: 'side' }))
    const all = async (filter: AuditFilter) => (await audited(rig, filter, 60_000)).report.events
    expect(await all({})).toBe(27)
    expect(await all({ until: between })).toBe(21)
    expect(await all({ since: between })).toBe(6)
    expect(await all({ since: between, source: 'hook' })).toBe(5)
    expect(await all({ tenant: 'other' })).toBe(1)
  })
})
