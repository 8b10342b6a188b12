import { describe, expect, it, vi } from 'vitest'
import { destinationOf } from '../../test/fakes/rig.ts'
import {
  attempt,
  countingKv,
  kindNow,
  leaseMs,
  type Process,
  pass,
  pause,
  processOf,
  within,
} from '../../test/fakes/sharing.ts'
import type { Ticket } from './limits.ts'

describe('a rate that processes share', () => {
  const destination = destinationOf({ rateLimit: { perSecond: 50, burst: 20 } })

  it('holds for all of them together, and all of it is used', async () => {
    const store = countingKv()
    const processes = ['a', 'b', 'c'].map((owner) => processOf(store, owner, destination))
    const working = processes.flatMap(({ work }) => Array.from({ length: 8 }, () => work(1)))
    await pass(20_000)
    for (const { stop } of processes) stop()
    const total = processes.reduce((sum, { made }) => sum + made.length, 0)
    expect(total).toBeLessThanOrEqual(20 + 50 * 20)
    expect(total).toBeGreaterThan(50 * 20 * 0.9)
    for (const { made } of processes) expect(made.length).toBeGreaterThan(total / 10)
    // Tokens come in chunks: far fewer calls than attempts would be, whatever is contended.
    console.info(`${total} attempts of three processes, ${store.calls.count} calls of keyed state`)
    expect(store.calls.count).toBeLessThan(total)
    await pass(5_000)
    await Promise.all(working)
  })

  it('costs no call where no limit is configured, but to ask now and then whether others suffer', async () => {
    const store = countingKv()
    const one = processOf(store, 'a', destinationOf())
    for (let made = 0; made < 1_000; made += 1) {
      expect(await attempt(one, 'succeeded')).toBe(true)
      await pass(10)
    }
    expect(store.calls.count).toBeLessThanOrEqual(6)
  })

  it('F33: is held by each process alone while keyed state is away', async () => {
    const store = countingKv()
    store.setAway(true)
    const one = processOf(store, 'a', destination)
    const working = Array.from({ length: 8 }, () => one.work(1))
    await pass(10_000)
    one.stop()
    expect(one.made.length).toBeGreaterThan(400)
    expect(one.made.length).toBeLessThanOrEqual(20 + 500)
    expect(store.values.size).toBe(0)
    await pass(5_000)
    await Promise.all(working)
  })
})

describe('a concurrency that processes share', () => {
  const narrow = (concurrent: number) =>
    destinationOf({ rateLimit: { perSecond: 1_000, burst: 1_000, concurrent } })

  it.each([
    [6, 3],
    [1, 2],
    [2, 3],
  ])('of %i is kept by %i processes, and each comes to its share', async (concurrent, count) => {
    const store = countingKv()
    const destination = narrow(concurrent)
    const processes = Array.from({ length: count }, (_, index) =>
      processOf(store, `p${index}`, destination),
    )
    const working = processes.flatMap(({ work }) =>
      Array.from({ length: concurrent }, () => work(40)),
    )
    let most = 0
    for (let step = 0; step < 6_000; step += 1) {
      await pass(5)
      most = Math.max(
        most,
        processes.reduce((sum, { underWay }) => sum + underWay.size, 0),
      )
    }
    for (const { stop } of processes) stop()
    const made = processes.map((each) => each.made.length)
    const total = made.reduce((sum, one) => sum + one, 0)
    console.info(
      `concurrent ${concurrent}: ${made.join(', ')} attempts in 30 s, ${store.calls.count} calls`,
    )
    expect(most).toBe(concurrent)
    for (const one of made) expect(one).toBeGreaterThan(total / count / 4)
    expect(total).toBeGreaterThan(((30_000 / 40) * concurrent) / 8)
    await pass(5_000)
    await Promise.all(working)
  })

  it('is not exceeded by what starts while slots are given back', async () => {
    const store = countingKv()
    const destination = narrow(4)
    const one = processOf(store, 'one', destination)
    const two = processOf(store, 'two', destination)
    const take = async ({ admitted, underWay }: Process): Promise<void> => {
      const ticket = await admitted()
      if (ticket !== undefined) underWay.add(ticket)
    }
    const burst = (each: Process) => Promise.all([1, 2, 3, 4].map(() => take(each)))
    let most = 0
    const count = (): void => {
      most = Math.max(most, one.underWay.size + two.underWay.size)
    }
    await within(100, burst(one))
    expect(one.underWay.size).toBe(4)
    for (const ticket of one.underWay) one.limits.release(ticket, 'succeeded', Date.now())
    one.underWay.clear()
    // The first renewal keeps what was used of late; the next gives it back, and is slow to be told that it did.
    await pass(1_500)
    let bursting: Promise<unknown> | undefined
    store.hooks.replacing = async (key = '') => {
      if (!key.startsWith('limit:slots:')) return true
      setTimeout(() => {
        bursting ??= Promise.all([burst(one), pause(20).then(() => burst(two))])
      }, 10)
      await pause(50)
      return true
    }
    for (let step = 0; step < 300; step += 1) {
      await pass(5)
      count()
    }
    expect(bursting).toBeDefined()
    expect(most).toBe(4)
    for (const { underWay, limits } of [one, two])
      for (const ticket of underWay) limits.release(ticket, 'succeeded', Date.now())
    await within(5_000, bursting ?? Promise.resolve())
  })

  it('is given back once keyed state was away while it should have been', async () => {
    const store = countingKv()
    const destination = narrow(4)
    const [one, two] = ['one', 'two'].map((owner) => processOf(store, owner, destination)) as [
      Process,
      Process,
    ]
    const took = within(50, Promise.all([1, 2, 3, 4].map(() => attempt(one, 'succeeded'))))
    expect(await took).toEqual([true, true, true, true])
    await pass(1_500)
    store.setAway(true)
    await pass(1_000)
    store.setAway(false)
    await pass(3_000)
    const tickets = await within(200, Promise.all([1, 2, 3, 4].map(two.admitted)))
    expect(tickets).not.toContain(undefined)
  })

  it('lets a single process use all of it, at a call per second', async () => {
    const store = countingKv()
    const one = processOf(store, 'a', narrow(4))
    const working = Array.from({ length: 4 }, () => one.work(10))
    await pass(10_000)
    one.stop()
    expect(one.made.length).toBeGreaterThan(3_500)
    const rateCalls = one.made.length / 100
    expect(store.calls.count).toBeLessThan(rateCalls * 2 + 40)
    await pass(5_000)
    await Promise.all(working)
  })

  it('is free again some time after a process was killed, and at once when one leaves', async () => {
    const store = countingKv()
    const destination = narrow(2)
    const gone = processOf(store, 'gone', destination)
    const tickets = await within(50, Promise.all([gone.admitted(), gone.admitted()]))
    expect(tickets).not.toContain(undefined)
    vi.clearAllTimers()
    const next = processOf(store, 'next', destination)
    expect(await kindNow(next.limits, destination)).toBe('wait')
    await pass(leaseMs)
    expect(await kindNow(next.limits, destination)).toBe('go')
    await within(20, next.shared.close())
    const third = processOf(store, 'third', destination)
    expect(await kindNow(third.limits, destination)).toBe('go')
  })
})

describe('F41: a breaker that processes share', () => {
  const destination = destinationOf()

  it('opens for all by what all saw, lets one of them probe, and closes for all', async () => {
    const store = countingKv()
    const processes = ['a', 'b', 'c'].map((owner) => processOf(store, owner, destination))
    const [a, b, c] = processes as [Process, Process, Process]
    // Four failures each: ten only together.
    for (let round = 0; round < 4; round += 1) {
      for (const each of processes) expect(await attempt(each, 'failed')).toBe(true)
      await pass(100)
    }
    await pass(1_000)
    for (const { limits } of processes) expect(await kindNow(limits)).toBe('hop')
    await pass(4_500)
    // Three probes in all, of one process.
    const probes: Ticket[] = []
    let askers = 0
    for (let round = 0; round < 3; round += 1)
      for (const { limits } of processes) {
        let admission = limits.admit(destination, Date.now())
        if (admission.kind === 'ask') {
          await within(20, admission.answer)
          admission = limits.admit(destination, Date.now())
        }
        askers += 1
        if (admission.kind === 'go') probes.push(admission.ticket)
        if (admission.kind === 'wait') limits.leave()
      }
    expect([askers, probes.length]).toEqual([9, 3])
    // The first to ask became the one that probes; a failed probe opens it for longer, for all.
    const [probe, second, third] = probes
    if (probe === undefined || second === undefined || third === undefined) throw new Error('three')
    a.limits.release(probe, 'failed', Date.now())
    await pass(600)
    for (const { limits } of processes) expect(await kindNow(limits)).toBe('hop')
    a.limits.release(second, 'cancelled', Date.now())
    a.limits.release(third, 'cancelled', Date.now())
    await pass(10_000)
    // Another process may probe this time.
    expect(await within(50, attempt(c, 'succeeded'))).toBe(true)
    expect(await kindNow(a.limits)).not.toBe('go')
    for (let made = 0; made < 2; made += 1)
      expect(await within(50, attempt(c, 'succeeded'))).toBe(true)
    await pass(1_000)
    for (const each of [a, b, c]) expect(await kindNow(each.limits)).toBe('go')
  })

  it('sends with care at first when the receiver is well again', async () => {
    const store = countingKv()
    const one = processOf(store, 'a', destination)
    for (let made = 0; made < 10; made += 1) await attempt(one, 'failed')
    await pass(6_000)
    for (let made = 0; made < 3; made += 1)
      expect(await within(50, attempt(one, 'succeeded'))).toBe(true)
    await pass(600)
    const tickets: Ticket[] = []
    for (let tries = 0; tries < 50; tries += 1) {
      const admission = one.limits.admit(destination, Date.now())
      if (admission.kind === 'go') tickets.push(admission.ticket)
    }
    expect(tickets.length).toBeGreaterThanOrEqual(3)
    expect(tickets.length).toBeLessThanOrEqual(4)
  })

  it('does not shut out a process that the receiver serves well', async () => {
    const store = countingKv()
    const [well, cut] = [
      processOf(store, 'well', destination),
      processOf(store, 'cut', destination),
    ] as const
    let refused = 0
    for (let round = 0; round < 200; round += 1) {
      if (!(await attempt(well, 'succeeded'))) refused += 1
      await Promise.race([attempt(cut, 'failed'), pass(50)])
      await pass(50)
    }
    expect(refused).toBe(0)
    // Its own breaker spares the one that is cut off.
    expect(await kindNow(cut.limits)).toBe('hop')
  })

  it('is each process’s own while keyed state is away', async () => {
    const store = countingKv()
    store.setAway(true)
    const one = processOf(store, 'a', destination)
    for (let made = 0; made < 10; made += 1) await attempt(one, 'failed')
    await pass(10)
    expect(await kindNow(one.limits)).toBe('hop')
    await pass(6_000)
    for (let made = 0; made < 3; made += 1)
      expect(await within(50, attempt(one, 'succeeded'))).toBe(true)
    expect(await kindNow(one.limits)).toBe('go')
  })
})

describe('limits that others change all the time', () => {
  it.each([
    ['a rate', { perSecond: 50, burst: 20 }],
    ['a concurrency', { perSecond: 1_000, concurrent: 4 }],
  ])('are waited for, and not held alone: %s', async (_name, rateLimit) => {
    const store = countingKv()
    const destination = destinationOf({ rateLimit })
    const one = processOf(store, 'a', destination)
    store.hooks.replacing = () => false
    for (let tries = 0; tries < 50; tries += 1) {
      const admission = one.limits.admit(destination, Date.now())
      expect(['wait', 'ask']).toContain(admission.kind)
      if (admission.kind === 'ask') await within(100, admission.answer)
      else one.limits.leave()
      await pass(40)
    }
    store.hooks.replacing = () => true
    await pass(100)
    expect(await within(100, attempt(one, 'succeeded'))).toBe(true)
  })

  it('let nobody probe who could not say that it does', async () => {
    const store = countingKv()
    const destination = destinationOf()
    const [one, two] = ['a', 'b'].map((owner) => processOf(store, owner, destination)) as [
      Process,
      Process,
    ]
    for (let made = 0; made < 10; made += 1) await attempt(one, 'failed')
    await pass(500)
    await attempt(two, 'failed')
    await pass(500)
    expect(await kindNow(two.limits)).toBe('hop')
    await pass(6_000)
    store.hooks.replacing = () => false
    const kinds: string[] = []
    for (let tries = 0; tries < 10; tries += 1) {
      const admission = two.limits.admit(destination, Date.now())
      kinds.push(admission.kind)
      if (admission.kind === 'ask') await within(100, admission.answer)
      if (admission.kind === 'wait') two.limits.leave()
      await pass(100)
    }
    expect(kinds).not.toContain('go')
    store.hooks.replacing = () => true
    await pass(1_000)
    expect(await within(100, attempt(two, 'succeeded'))).toBe(true)
  })
})
