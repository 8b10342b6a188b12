import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { frameOverhead } from './frame.ts'
import { nodeFs, type SpoolFs } from './segments.ts'
import type { Spool } from './spool.ts'
import { dir, drainedTimes as drained, open, record } from './testing.ts'

const write = async (spool: Spool, count: number): Promise<void> => {
  for (let n = 0; n < count; n += 1) await spool.write(record(n))
}
const files = async (ending: string): Promise<string[]> =>
  (await readdir(dir)).filter((name) => name.endsWith(ending)).sort()

/** As Node.js tells them: what libuv has no name for has its number alone. */
const failures = {
  EIO: { code: 'EIO', errno: -5 },
  EMFILE: { code: 'EMFILE', errno: -24 },
  EBADMSG: { code: 'Unknown system error -74', errno: -74 },
  EUCLEAN: { code: 'Unknown system error -117', errno: -117 },
}
type Failure = keyof typeof failures
const failure = (name: Failure): Error => Object.assign(new Error(name), failures[name])

/** A file system that does not give back what is named, in either way of reading. */
const unreadable = (ending: string, name: Failure, over: Partial<SpoolFs> = {}): SpoolFs => {
  const readFile = async (...args: Parameters<SpoolFs['readFile']>) => {
    if (String(args[0]).endsWith(ending)) throw failure(name)
    return nodeFs.readFile(...args)
  }
  return {
    ...nodeFs,
    readFile: readFile as SpoolFs['readFile'],
    open: async (...args: Parameters<SpoolFs['open']>) => {
      const handle = await nodeFs.open(...args)
      if (String(args[0]).endsWith(ending))
        handle.read = async () => {
          throw failure(name)
        }
      return handle
    },
    ...over,
  }
}

describe('F08: how far the spool is drained cannot be read', () => {
  const drainedBefore = async (): Promise<void> => {
    const spool = await open({ segmentBytes: 300 })
    await write(spool, 20)
    await drained(spool)
    await spool.close()
  }

  it.each(['EIO', 'EMFILE'] as const)(
    'F08: once, with %s: what is written then is not taken for drained by the next start',
    async (name) => {
      await drainedBefore()
      const spool = await open({ fs: unreadable('progress.json', name) })
      await spool.write(record(7))
      await spool.close()
      const again = await open()
      expect(again.stats().records).toBe(1)
      expect(await drained(again)).toEqual([7])
    },
  )

  it('F08: nor forgotten: the spool does not open, and opens once it can', async () => {
    await drainedBefore()
    const unlink = async (): Promise<void> => {
      throw failure('EIO')
    }
    await expect(
      open({ fs: unreadable('progress.json', 'EIO', { unlink }) }),
    ).rejects.toMatchObject({ code: 'ZENHOOK_INGRESS_SPOOL_BROKEN' })
    const again = await open()
    await again.write(record(1))
    expect(await drained(again)).toEqual([1])
  })

  it('F08: torn, it counts as none', async () => {
    await drainedBefore()
    await writeFile(join(dir, 'progress.json'), '{"seq":5')
    const spool = await open()
    await spool.write(record(7))
    await spool.close()
    expect((await open()).stats().records).toBe(1)
  })
})

describe('F08: a segment that the disk does not give back', () => {
  const disks = ['EIO', 'EBADMSG', 'EUCLEAN'] as const
  const ofNine = [0, 1, 2, 3, 4, 5, 6, 7, 8]
  /** Bytes and records of a segment. */
  const contentsOf = async (name: string): Promise<[number, number]> => {
    const text = await readFile(join(dir, name), 'latin1')
    return [text.length, text.split('"id-').length - 1]
  }

  it.each(disks)('F08: at the start, with %s: it is set aside and counted', async (name) => {
    const whole = await open({ segmentBytes: 300 })
    await write(whole, 9)
    await whole.close()
    const [first = ''] = await files('.seg')
    const [size, held] = await contentsOf(first)
    const spool = await open({ fs: unreadable(first, name) })
    // How many records it held cannot be known.
    expect(spool.stats().lost).toEqual({ records: 1, bytes: size })
    expect(await files('.unreadable')).toEqual([`${first}.unreadable`])
    expect(await drained(spool)).toEqual(ofNine.slice(held))
  })

  it('F08: at the start: what was drained of it is not counted, nor what nobody knows', async () => {
    const whole = await open()
    await write(whole, 4)
    await (await whole.peek(1, 1024))?.commit()
    await whole.close()
    const [first = ''] = await files('.seg')
    const [size] = await contentsOf(first)
    const stat = async (): Promise<never> => {
      throw failure('EIO')
    }
    const spool = await open({ fs: unreadable(first, 'EIO') })
    expect(spool.stats().lost).toEqual({ records: 1, bytes: (size / 4) * 3 })
    await spool.close()
    await nodeFs.rename(join(dir, `${first}.unreadable`), join(dir, first))
    const blind = await open({ fs: unreadable(first, 'EIO', { stat }) })
    expect(blind.stats().lost).toEqual({ records: 1, bytes: 0 })
  })

  it.each(disks)('F08: while it is drained, with %s: it is set aside', async (name) => {
    const whole = await open({ segmentBytes: 300 })
    await write(whole, 9)
    const [first = ''] = await files('.seg')
    await whole.close()
    const [, held] = await contentsOf(first)
    // It could be read at the start, and not any more.
    let started = false
    const fs = unreadable(first, name)
    const readOnce = (...args: Parameters<SpoolFs['readFile']>) =>
      started ? fs.readFile(...args) : nodeFs.readFile(...args)
    const spool = await open({ fs: { ...fs, readFile: readOnce as SpoolFs['readFile'] } })
    started = true
    for (let tries = 1; tries <= 2; tries += 1)
      await expect(spool.peek(7, 1024)).rejects.toMatchObject(failures[name])
    expect(await drained(spool)).toEqual(ofNine.slice(held))
    expect(spool.stats().lost.records).toBe(held)
    expect(await files('.unreadable')).toEqual([`${first}.unreadable`])
  })

  it('F08: for want of descriptors it is not set aside', async () => {
    const whole = await open()
    await write(whole, 3)
    await whole.close()
    const [first = ''] = await files('.seg')
    await expect(open({ fs: unreadable(first, 'EMFILE') })).rejects.toMatchObject({
      code: 'ZENHOOK_INGRESS_SPOOL_BROKEN',
    })
    expect(await drained(await open())).toEqual([0, 1, 2])
  })
})

describe('F08: damage is counted once', () => {
  /** Spoils these records of the only segment. */
  const spoil = async (count: number, records: readonly number[]): Promise<number> => {
    const path = join(dir, (await files('.seg'))[0] ?? '')
    const bytes = await readFile(path)
    const frame = bytes.length / count
    for (const n of records) {
      const at = n * frame + frameOverhead + 5
      bytes[at] = (bytes[at] ?? 0) ^ 1
    }
    await writeFile(path, bytes)
    return frame
  }

  it('F08: where a start finds it, and it is met again while draining', async () => {
    const whole = await open()
    await write(whole, 9)
    await whole.close()
    const frame = await spoil(9, [0, 3, 4, 6])
    const spool = await open()
    const lost = { records: 4, bytes: 4 * frame }
    expect(spool.stats().lost).toEqual(lost)
    expect(await drained(spool)).toEqual([1, 2, 5, 7, 8])
    expect(spool.stats().lost).toEqual(lost)
  })

  it('F08: where it is the last of what was read, and is read again', async () => {
    const spool = await open()
    await write(spool, 6)
    const frame = await spoil(6, [2, 5])
    expect(await drained(spool)).toEqual([0, 1, 3, 4])
    expect(spool.stats()).toMatchObject({ records: 0, lost: { records: 2, bytes: 2 * frame } })
  })
})
