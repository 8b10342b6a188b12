import { beforeEach, describe, expect, it } from 'vitest'
import { mapKv } from '../test/fakes/rig.ts'
import { createLinks, type Links, type Taken } from './links.ts'

describe('links', () => {
  let now = 0
  let links: Links
  beforeEach(() => {
    now = 1_000
    links = createLinks(mapKv(), 'test', () => now)
  })
  const take = async (owner: string, gone?: string): Promise<Taken> => {
    const taken = await links.take('disk', owner, gone)
    if (taken === undefined) throw new Error('somebody else has it')
    return taken
  }

  it('give the right to make an object to one, until it is bound or released', async () => {
    const first = await take('a')
    expect(first.id).toBeUndefined()
    expect(await links.take('disk', 'b')).toBeUndefined()
    await links.release('disk', first)
    const second = await take('b')
    expect(second.id).toBeUndefined()
    await links.bind('disk', 'OPS-1', second)
    expect(await take('a')).toMatchObject({ id: 'OPS-1' })
  })

  it('give the right to make a gone object anew to one', async () => {
    await links.bind('disk', 'OPS-1', await take('a'))
    const second = await take('b', 'OPS-1')
    expect(second.id).toBeUndefined()
    expect(await links.take('disk', 'c', 'OPS-1')).toBeUndefined()
    await links.bind('disk', 'OPS-2', second)
    expect(await take('c', 'OPS-1')).toMatchObject({ id: 'OPS-2' })
  })

  it('let nobody make what is in doubt until the lease ends, and whoever finds it bind it', async () => {
    const first = await take('a')
    // Not even its owner, whose attempt before this one ended without a word.
    expect(await take('a')).toMatchObject({ id: undefined, inDoubtMs: expect.any(Number) })
    await links.doubt('disk', first)
    for (const owner of ['a', 'b'])
      expect(await take(owner)).toMatchObject({ id: undefined, inDoubtMs: expect.any(Number) })
    now += 31_000
    const second = await take('b')
    expect(second).not.toHaveProperty('inDoubtMs')
    await links.doubt('disk', first)
    expect(await links.take('disk', 'c')).toBeUndefined()
    await links.doubt('disk', second)
    await links.bind('disk', 'OPS-1', await take('c'))
    expect(await take('a')).toMatchObject({ id: 'OPS-1' })
  })

  it('are in doubt for a whole lease from when the answer was lost, however late that was', async () => {
    const first = await take('a')
    now += 29_000
    await links.doubt('disk', first)
    now += 5_000
    expect(await take('b')).toMatchObject({ id: undefined, inDoubtMs: 25_000 })
  })

  it.each([
    ['releases', (frozen: Taken) => links.release('disk', frozen)],
    ['binds', (frozen: Taken) => links.bind('disk', 'OPS-1', frozen)],
  ])('keep what another made when one that froze beyond its lease %s', async (_name, act) => {
    const frozen = await take('a')
    now += 31_000
    const second = await take('b')
    await act(frozen)
    expect(await links.take('disk', 'c')).toBeUndefined()
    await links.bind('disk', 'OPS-2', second)
    await act(frozen)
    expect(await take('c')).toMatchObject({ id: 'OPS-2' })
  })
})
