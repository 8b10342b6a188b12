import { describe, expect, it } from 'vitest'
import { createMemoryKv } from '../kv/memory/index.ts'
import { createLease } from './lease.ts'
import { createLedgerStore, emptyLedger, entryName, type OpenEntry } from './ledger.ts'
import { spooledEvents, tellSpool } from './spools.ts'

const entryOf = (number: number): OpenEntry => ({
  ...{ id: `e${number}`, run: 'live', tenant: 't', source: 's', partition: 0, offset: number },
  ...{ at: 1, stamp: 1, state: 'retrying', due: 5, tries: 1 },
})

describe('the lease', () => {
  it('is held by one, prolonged by it, free when given up or when its holder is silent', async () => {
    let now = 1_000
    const kv = createMemoryKv({ now: () => now })
    const [a, b] = ['a', 'b'].map((owner) => createLease({ kv, key: 'l', owner, leaseMs: 100 }))
    if (a === undefined || b === undefined) throw new Error('no leases')
    expect(await Promise.all([a.hold(), b.hold()])).toEqual([true, false])
    now += 80
    expect([await a.hold(), await b.hold()]).toEqual([true, false])
    now += 80
    expect(await b.hold()).toBe(false)
    await a.release()
    expect([await b.hold(), await a.hold()]).toEqual([true, false])
    now += 101
    expect([await a.hold(), await b.hold()]).toEqual([true, false])
    // What is somebody else's is not given up.
    await b.release()
    expect(await b.hold()).toBe(false)
    await kv.close()
  })
})

describe('the ledger', () => {
  it('comes back as it was kept, in pages', async () => {
    const kv = createMemoryKv()
    const store = createLedgerStore(kv, 'a')
    const ledger = await store.load()
    expect(ledger).toEqual(emptyLedger())
    ledger.cursors.set(0, 7)
    ledger.ended.delivered = 3
    for (let at = 0; at < 1_234; at += 1) ledger.open.set(entryName(entryOf(at)), entryOf(at))
    expect(await store.save(ledger)).toBe(true)
    expect(await createLedgerStore(kv, 'b').load()).toEqual(ledger)
    ledger.open.delete(entryName(entryOf(0)))
    expect(await store.save(ledger)).toBe(true)
    expect(await createLedgerStore(kv, 'b').load()).toEqual(ledger)
    ledger.open.clear()
    expect(await store.save(ledger)).toBe(true)
    expect(await createLedgerStore(kv, 'b').load()).toEqual(ledger)
    await kv.close()
  })

  it('is not overwritten by one who has not seen the last word', async () => {
    const kv = createMemoryKv()
    const [former, present] = [createLedgerStore(kv, 'a'), createLedgerStore(kv, 'b')]
    const old = await former.load()
    old.open.set(entryName(entryOf(1)), entryOf(1))
    expect(await former.save(old)).toBe(true)
    const taken = await present.load()
    taken.open.set(entryName(entryOf(2)), entryOf(2))
    expect(await present.save(taken)).toBe(true)
    old.open.set(entryName(entryOf(3)), entryOf(3))
    expect(await former.save(old)).toBe(false)
    expect(await createLedgerStore(kv, 'c').load()).toEqual(taken)
    await kv.close()
  })

  it('begins anew where a page is lost: nothing is forgotten', async () => {
    const kv = createMemoryKv()
    const store = createLedgerStore(kv, 'a')
    const ledger = await store.load()
    ledger.cursors.set(0, 7)
    ledger.open.set(entryName(entryOf(1)), entryOf(1))
    await store.save(ledger)
    await kv.delete(['accounting:open:a.1:0'])
    const next = createLedgerStore(kv, 'b')
    expect(await next.load()).toEqual(emptyLedger())
    expect(await next.save(emptyLedger())).toBe(true)
    await kv.close()
  })
})

describe('spools', () => {
  it('add up, each by its last word, until it is empty', async () => {
    const kv = createMemoryKv()
    expect(await spooledEvents(kv)).toBe(0)
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        tellSpool(kv, `spool-${index}`, { records: index, at: 1 }),
      ),
    )
    expect(await spooledEvents(kv)).toBe(45)
    await tellSpool(kv, 'spool-9', { records: 0, at: 2 })
    expect(await spooledEvents(kv)).toBe(36)
    await kv.close()
  })
})
