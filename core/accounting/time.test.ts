import { describe, expect, it } from 'vitest'
import { createMemoryKv } from '../kv/memory/index.ts'
import { many, refused } from './testing/index.ts'
import { accountant, decisions, rigOf, settled } from './testing/suite.ts'

describe('accounting over time', { timeout: 60_000 }, () => {
  it('reports what retention took before it was accounted for', async () => {
    const { rig, kv, log } = await rigOf()
    await rig.receive(...many(30, 'note'))
    const accounting = accountant(rig, kv)
    await settled(accounting)
    await rig.receive(...many(30, 'note'))
    let gone = 0
    for (const { partition, first, next } of await log.ends('received')) {
      await log.trim('received', partition, next)
      gone += next - first
    }
    const report = await accounting.run()
    expect(report?.missedRecords).toBe(gone - 30)
    expect(report?.missedRecords).toBe(30)
    expect((await rig.metrics.gaps.get()).values).toContainEqual(
      expect.objectContaining({ labels: { group: 'accounting', topic: 'received' }, value: 30 }),
    )
  })

  it('remembers ranges where too much is open, in bounded state', async () => {
    let away = true
    const { rig, kv } = await rigOf({
      answer: () => (away ? { ...refused(true), retryAfterMs: 1_000 } : { kind: 'delivered' }),
    })
    await rig.receive(...many(200, 'note'))
    let now = Date.now()
    let looks = 0
    const select: typeof decisions.select = (sql, parameters) => {
      looks += 1
      return decisions.select(sql, parameters)
    }
    const accounting = accountant(rig, kv, {
      ...{ maxOpen: 20, chunkSize: 50, now: () => now },
      decisions: { ...decisions, select },
    })
    const report = await accounting.run()
    expect(report).toMatchObject({ unaccounted: 0, open: { pending: 200 } })
    // A range is looked up as the chunk was that it comes from, not partition by partition.
    const looksAtFirst = looks
    looks = 0
    now += 60_000
    await accounting.run()
    expect(looks).toBeLessThanOrEqual(looksAtFirst)
    away = false
    await expect
      .poll(
        async () => {
          now += 3_700_000
          const r = await accounting.run()
          console.log(JSON.stringify(r))
          return r?.ended
        },
        { timeout: 40_000, interval: 300 },
      )
      .toMatchObject({ delivered: 200 })
  })

  it('reports what retention took of ranges that had not ended, and takes back no end', async () => {
    const { rig, kv, log } = await rigOf({
      answer: (destination) => (destination === 'slow' ? refused(true) : { kind: 'delivered' }),
    })
    let now = Date.now()
    const accounting = accountant(rig, kv, { ...{ maxOpen: 20, chunkSize: 1_000 }, now: () => now })
    await rig.receive(...many(100, 'slow'), ...many(50, 'note'))
    const ended = async () => {
      now += 3_700_000
      return (await accounting.run())?.ended
    }
    await expect.poll(ended, { timeout: 20_000, interval: 200 }).toMatchObject({ delivered: 50 })
    for (const { partition, next } of await log.ends('received'))
      await log.trim('received', partition, next)
    now += 3_700_000
    const report = await accounting.run()
    expect(report).toMatchObject({ missedRecords: 150, ended: { delivered: 50 } })
    expect(report?.open).toMatchObject({ pending: 0 })
    now += 3_700_000
    expect(await accounting.run()).toMatchObject({ missedRecords: 150, ended: { delivered: 50 } })
  })

  it('is left to the process that does it, however rarely it does', async () => {
    const { rig } = await rigOf()
    let now = Date.now()
    const kv = createMemoryKv({ now: () => now })
    const [first, second] = [1, 2].map(() =>
      accountant(rig, kv, { intervalMs: 60_000, now: () => now }),
    )
    expect(await first?.run()).toBeDefined()
    now += 61_000
    expect(await second?.run()).toBeUndefined()
    now += 61_000
    expect(await second?.run()).toBeDefined()
  })

  it('counts on where a run failed after it had kept what it found', async () => {
    const { rig, kv } = await rigOf()
    let isBroken = false
    const replace: typeof kv.replace = async (entries) => {
      const made = await kv.replace(entries)
      if (isBroken && entries.some(({ key }) => key.includes('ledger')))
        throw new Error('the answer was lost')
      return made
    }
    const accounting = accountant(rig, { ...kv, replace })
    await accounting.run()
    await rig.receive(...many(30, 'note'))
    isBroken = true
    await expect
      .poll(() => accounting.run().catch((error: Error) => error.message), { timeout: 20_000 })
      .toBe('the answer was lost')
    isBroken = false
    await settled(accounting)
    const { values } = await rig.metrics.endedEvents.get()
    expect(values).toContainEqual(
      expect.objectContaining({ labels: { state: 'delivered' }, value: 30 }),
    )
  })
})
