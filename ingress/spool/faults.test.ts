import { execFileSync, spawnSync } from 'node:child_process'
import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeFrame, frameOverhead, stamp } from './frame.ts'
import { nodeFs, type SpoolFs } from './segments.ts'
import type { Spool } from './spool.ts'
import { closeAll, dir, drainedTimes as drained, open, record } from './testing.ts'

const segments = async (): Promise<string[]> =>
  (await readdir(dir)).filter((name) => name.includes('.seg')).sort()

/** Another start with other bytes, nothing of them drained. */
const replaced = async (path: string, bytes: Buffer): Promise<Spool> => {
  await rm(join(dir, 'progress.json'), { force: true })
  await writeFile(path, bytes)
  return open()
}

/** A segment of `count` records, its file and bytes. */
const written = async (count: number): Promise<{ path: string; bytes: Buffer; frame: number }> => {
  const whole = await open()
  for (let n = 0; n < count; n += 1) await whole.write(record(n))
  await whole.close()
  const path = join(dir, (await segments())[0] ?? '')
  const bytes = await readFile(path)
  return { path, bytes, frame: bytes.length / count }
}

describe('F08: the tail of the spool', () => {
  it('F08: cut at any byte, the rest is drained in order and the loss is counted', async () => {
    const { path, bytes, frame } = await written(4)
    for (let cut = 1; cut < 2 * frame; cut += 1) {
      const spool = await replaced(path, bytes.subarray(0, bytes.length - cut))
      const whole = Math.floor((bytes.length - cut) / frame)
      const torn = (bytes.length - cut) % frame
      expect(spool.stats()).toMatchObject({
        records: whole,
        lost: { records: torn === 0 ? 0 : 1, bytes: torn },
      })
      expect(await drained(spool)).toEqual([0, 1, 2].slice(0, whole))
      expect(spool.holds('k0')).toBe(false)
      await spool.close()
    }
  })

  it('F08: flipped at any byte, only its own record is lost, and it is counted', async () => {
    const { path, bytes, frame } = await written(4)
    for (let at = 2 * frame; at < bytes.length; at += 1) {
      const spoilt = Buffer.from(bytes)
      spoilt[at] = (spoilt[at] ?? 0) ^ 0x41
      const spool = await replaced(path, spoilt)
      const gone = Math.floor(at / frame)
      expect(spool.stats().lost).toEqual({ records: 1, bytes: frame })
      expect(await drained(spool)).toEqual([0, 1, 2, 3].filter((n) => n !== gone))
      await spool.close()
    }
  })

  it('F08: several records that are damaged in a row are counted each', async () => {
    const { path, bytes, frame } = await written(6)
    for (const n of [1, 2, 3]) bytes[n * frame + frameOverhead + 5] = 0
    await writeFile(path, bytes)
    const spool = await open()
    expect(spool.stats()).toMatchObject({ records: 3, lost: { records: 3, bytes: 3 * frame } })
    expect(await drained(spool)).toEqual([0, 4, 5])
  })

  it('F08: zeros, as a file system leaves them, are no records', async () => {
    const { path, frame } = await written(3)
    await appendFile(path, Buffer.alloc(5 * frame))
    const spool = await open()
    expect(spool.stats()).toMatchObject({ records: 3, lost: { records: 1, bytes: 5 * frame } })
    expect(await drained(spool)).toEqual([0, 1, 2])
  })

  it('F08: damage that comes after the start is counted when it is met, and holds no key', async () => {
    const spool = await open()
    for (let n = 0; n < 6; n += 1) await spool.write(record(n))
    const path = join(dir, (await segments())[0] ?? '')
    const bytes = await readFile(path)
    const at = (bytes.length / 6) * 4 + frameOverhead + 9
    bytes[at] = (bytes[at] ?? 0) ^ 1
    await writeFile(path, bytes)
    expect(await drained(spool)).toEqual([0, 1, 2, 3, 5])
    expect(spool.stats()).toMatchObject({ records: 0, bytes: 0, lost: { records: 1 } })
    expect(spool.holds('k1')).toBe(false)
  })

  it('F08: no body that holds frames is ever read as them', async () => {
    const forged = encodeFrame({ ...record(66), headers: { tenant: 'other' } })
    // A sender knows the form of a frame, and a mark that it saw somewhere, but not the one of this segment.
    const marks = [Buffer.alloc(8), Buffer.from('ZHS1ZHS1'), Buffer.from('0123456789abcdef', 'hex')]
    const body = Buffer.concat(
      marks.map((mark) => {
        const frame = Buffer.from(forged)
        stamp(frame, { mark, lengthCovered: true })
        return frame
      }),
    )
    const whole = await open()
    await whole.write({ ...record(0), value: body })
    await whole.write(record(1))
    await whole.close()
    const path = join(dir, (await segments())[0] ?? '')
    const bytes = await readFile(path)
    bytes[frameOverhead + 8] = (bytes[frameOverhead + 8] ?? 0) ^ 1
    await writeFile(path, bytes)
    const spool = await open()
    expect(spool.stats().lost.records).toBe(1)
    expect(await drained(spool)).toEqual([1])
  })
})

interface Fault {
  write?: string
  sync?: string
  read?: string
  progress?: string
  half?: boolean
  /** Syncs wait for it. */
  hang?: Promise<void>
}

/** A file system that fails as it is told, and the files that were synced, in order. */
const failing = (fault: Fault) => {
  const synced: string[] = []
  const fail = (code: string): never => {
    throw Object.assign(new Error(code), { code })
  }
  const fs: SpoolFs = {
    ...nodeFs,
    rename: async (from, to) => {
      if (fault.progress !== undefined && String(to).endsWith('.json')) fail(fault.progress)
      return nodeFs.rename(from, to)
    },
    open: async (...args: Parameters<SpoolFs['open']>) => {
      const handle = await nodeFs.open(...args)
      return new Proxy(handle, {
        get(target, name) {
          if (name === 'write')
            return async (bytes: Buffer, offset: number, length: number, position: number) => {
              if (fault.write === undefined) return target.write(bytes, offset, length, position)
              if (fault.half === true) await target.write(bytes, offset, length >> 1, position)
              return fail(fault.write)
            }
          if (name === 'read' && fault.read !== undefined) return async () => fail(fault.read ?? '')
          if (name === 'datasync')
            return async () => {
              synced.push(String(args[0]))
              await fault.hang
              return fault.sync === undefined ? target.datasync() : fail(fault.sync)
            }
          const value: unknown = Reflect.get(target, name)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    },
  }
  return { fs, synced }
}
const heal = (fault: Fault): void => {
  for (const key of Object.keys(fault)) Reflect.deleteProperty(fault, key)
}

describe('F08: a full or failing disk', () => {
  it.each([
    ['ENOSPC after half a write', { write: 'ENOSPC', half: true }, 'ZENHOOK_INGRESS_SPOOL_FULL'],
    ['ENOSPC at the sync', { sync: 'ENOSPC' }, 'ZENHOOK_INGRESS_SPOOL_FULL'],
    ['EDQUOT at a write', { write: 'EDQUOT' }, 'ZENHOOK_INGRESS_SPOOL_FULL'],
    ['EIO at a write', { write: 'EIO' }, 'ZENHOOK_INGRESS_SPOOL_BROKEN'],
    ['EIO at the sync', { sync: 'EIO' }, 'ZENHOOK_INGRESS_SPOOL_BROKEN'],
  ])(
    'F08: %s: nothing of it is kept, what was kept stays, and it recovers',
    async (_, broken, code) => {
      const fault: Fault = {}
      const spool = await open({ fs: failing(fault).fs })
      await spool.write(record(0))
      Object.assign(fault, broken)
      const results = await Promise.allSettled([spool.write(record(1)), spool.write(record(2))])
      const unknown = 'sync' in broken
      for (const result of results)
        expect(result).toMatchObject({ reason: { code, retriable: true, details: { unknown } } })
      expect(spool.stats().records).toBe(1)
      expect(spool.holds('k1')).toBe(false)
      heal(fault)
      await spool.write(record(3))
      await spool.close()
      expect(await drained(await open())).toEqual([0, 3])
    },
  )

  it('F08: a file whose sync failed is never written or synced again', async () => {
    const fault: Fault = {}
    const { fs, synced } = failing(fault)
    const spool = await open({ fs })
    await spool.write(record(0))
    fault.sync = 'EIO'
    await expect(spool.write(record(1))).rejects.toMatchObject({
      code: 'ZENHOOK_INGRESS_SPOOL_BROKEN',
    })
    heal(fault)
    await spool.write(record(2))
    await spool.write(record(3))
    const [first, second, third, fourth] = synced
    expect([second === first, third === second, fourth === third]).toEqual([true, false, true])
    expect(await drained(spool)).toEqual([0, 2, 3])
  })

  it('F08: a disk that goes on failing leaves no files behind', async () => {
    const fault: Fault = { sync: 'EIO' }
    const spool = await open({ fs: failing(fault).fs })
    for (let n = 0; n < 50; n += 1) await spool.write(record(n)).catch(() => undefined)
    expect(await segments()).toEqual([])
    expect(spool.stats()).toMatchObject({ records: 0, bytes: 0, written: 0 })
    heal(fault)
    await spool.write(record(7))
    expect(await drained(spool)).toEqual([7])
  })

  it('F08: a disk that hangs holds nobody, and what it took in the end is not forgotten', async () => {
    let answer = (): void => {}
    const fault: Fault = {
      hang: new Promise((resolve) => {
        answer = resolve
      }),
    }
    const spool = await open({ fs: failing(fault).fs, stallMs: 100 })
    const first = spool.write(record(1))
    const behind = spool.write(record(2))
    const hangs = { code: 'ZENHOOK_INGRESS_SPOOL_BROKEN', retriable: true }
    await expect(first).rejects.toMatchObject({ ...hangs, details: { unknown: true } })
    await expect(behind).rejects.toMatchObject(hangs)
    const startedAt = performance.now()
    await expect(spool.write(record(3))).rejects.toMatchObject({
      ...hangs,
      details: { unknown: false },
    })
    expect(performance.now() - startedAt).toBeLessThan(90)
    expect(spool.holds('k1')).toBe(true)
    answer()
    await expect.poll(() => spool.stats().records).toBeGreaterThan(0)
    heal(fault)
    await spool.write(record(4))
    const found = await drained(spool)
    expect(found).toContain(1)
    expect(found).toContain(4)
    expect(found).not.toContain(3)
  })

  it('F08: no more waits in memory for the disk than is allowed', async () => {
    let answer = (): void => {}
    const hang = new Promise<void>((resolve) => {
      answer = resolve
    })
    const spool = await open({ fs: failing({ hang }).fs, maxQueuedBytes: 5_000 })
    const writes = Array.from({ length: 20 }, (_, n) => spool.write(record(n, 1_000)))
    const outcomes = Promise.allSettled(writes)
    answer()
    const kept = (await outcomes).filter(({ status }) => status === 'fulfilled').length
    expect(kept).toBeGreaterThan(1)
    expect(kept).toBeLessThan(6)
    expect((await drained(spool)).length).toBe(kept)
  })

  it('F08: it drains although its progress cannot be written', async () => {
    const fault: Fault = { progress: 'ENOSPC' }
    const spool = await open({ fs: failing(fault).fs, segmentBytes: 300 })
    for (let n = 0; n < 20; n += 1) await spool.write(record(n))
    expect(await drained(spool)).toEqual(Array.from({ length: 20 }, (_, n) => n))
    expect(await segments()).toEqual([])
  })

  it('F08: a segment that cannot be read is set aside, counted, and the others are drained', async () => {
    const fault: Fault = {}
    const spool = await open({ fs: failing(fault).fs, segmentBytes: 300 })
    for (let n = 0; n < 9; n += 1) await spool.write(record(n))
    const [first] = await segments()
    fault.read = 'EIO'
    for (let tries = 1; tries < 3; tries += 1)
      await expect(spool.peek(7, 1024)).rejects.toMatchObject({ code: 'EIO' })
    const third = spool.peek(7, 1024)
    await expect(third).rejects.toMatchObject({ code: 'EIO' })
    heal(fault)
    const found = await drained(spool)
    const { lost } = spool.stats()
    expect(lost.records).toBeGreaterThan(0)
    expect(found).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8].slice(lost.records))
    expect(await segments()).toEqual([`${first}.unreadable`])
    expect(spool.holds('k0')).toBe(false)
  })
})

const canMount = (): string | undefined => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux may'
  const at = execFileSync('mktemp', ['-d']).toString().trim()
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at])
  if (mounted.status === 0) spawnSync('umount', [at])
  spawnSync('rmdir', [at])
  return mounted.status === 0 ? undefined : mounted.stderr.toString()
}
const noMount = canMount()
if (noMount !== undefined) console.warn(`skipped: a real full disk needs a mount: ${noMount}`)

describe.skipIf(noMount !== undefined)('F08: a real disk of 256 KiB', () => {
  beforeEach(() => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', dir])
  })
  afterEach(async () => {
    await closeAll()
    execFileSync('umount', [dir])
  })

  it('F08: fills up, keeps exactly what it said yes to, and takes more once there is room', async () => {
    const spool = await open({ segmentBytes: 50_000 })
    const kept: number[] = []
    const refused: unknown[] = []
    for (let from = 0; from < 600; from += 10)
      await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          spool.write(record(from + n, 1_000)).then(
            () => kept.push(from + n),
            (error: unknown) => refused.push(error),
          ),
        ),
      )
    expect(kept.length).toBeGreaterThan(100)
    expect(refused.length).toBeGreaterThan(100)
    for (const error of refused) expect(error).toMatchObject({ code: 'ZENHOOK_INGRESS_SPOOL_FULL' })
    await spool.close()
    const again = await open({ segmentBytes: 50_000 })
    expect(again.stats()).toMatchObject({ records: kept.length, lost: { records: 0, bytes: 0 } })
    expect(await drained(again)).toEqual(kept)
    await again.write(record(5))
    expect(await drained(again)).toEqual([5])
  })
})
