import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isZenhookError, type ZenhookError } from '../errors/index.ts'
import { createCommitter } from './committer.ts'
import { openStorage, type Storage, storageError } from './index.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const turn = () => new Promise((resolve) => setImmediate(resolve))
const failureOf = (action: () => unknown): ZenhookError => {
  try {
    action()
  } catch (error) {
    if (isZenhookError(error)) return error
    throw error
  }
  throw new Error('expected a failure')
}

describe('storage', () => {
  let dir: string
  let open: Storage[] = []
  let children: ChildProcess[] = []
  const storageAt = (folder: string): Storage => {
    const storage = openStorage(folder)
    open.push(storage)
    return storage
  }
  const holder = async (): Promise<ChildProcess> => {
    const file = fileURLToPath(new URL('./hold.fixture.ts', import.meta.url))
    const child = spawn(process.execPath, ['--import', 'tsx', file, dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', () => resolve())
      child.once('exit', () => reject(new Error('the holder ended')))
    })
    return child
  }
  const kill = async (child: ChildProcess): Promise<void> => {
    const gone = new Promise((resolve) => child.once('exit', resolve))
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await gone
    }
  }

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'zenhook-storage-'))
  })
  afterEach(async () => {
    await Promise.all(open.map((storage) => storage.close()))
    await Promise.all(children.map(kill))
    open = []
    children = []
    rmSync(dir, { recursive: true, force: true })
  })

  it('gives back what was written, in key order, after reopening too', async () => {
    const storage = storageAt(dir)
    const table = storage.table('t')
    const keys = ['b', 'a', 'd', 'c', 'cc']
    await storage.write(keys.map((key) => ({ table, key: bytes(key), value: bytes(`v${key}`) })))
      .committed
    await storage.write([{ table, key: bytes('d'), value: undefined }]).synced
    const look = (from: Storage) => {
      const again = from.table('t')
      const text = (entries: Iterable<{ key: Uint8Array; value: Uint8Array }>) =>
        [...entries].map(({ key, value }) => `${Buffer.from(key)}=${Buffer.from(value)}`)
      const range = { from: bytes('a'), to: bytes('cc') }
      expect(text(again.range(range))).toEqual(['a=va', 'b=vb', 'c=vc'])
      expect(text(again.range({ ...range, reverse: true, limit: 2 }))).toEqual(['c=vc', 'b=vb'])
      expect(text(again.range({ from: bytes('a0'), to: bytes('z') }))).toHaveLength(3)
      expect(again.get(bytes('d'))).toBeUndefined()
      expect(Buffer.from(again.get(bytes('cc')) ?? []).toString()).toBe('vcc')
    }
    look(storage)
    await storage.close()
    await storage.close()
    look(storageAt(dir))
  })

  it('a value read stays as it was while others are read and written', async () => {
    const storage = storageAt(dir)
    const table = storage.table('t')
    const put = (key: string, fill: number) =>
      storage.write([{ table, key: bytes(key), value: new Uint8Array(5_000).fill(fill) }]).committed
    await put('a', 1)
    await put('b', 2)
    const [a] = table.range({ from: bytes('a'), to: bytes('b') })
    const b = table.get(bytes('b'))
    for (let round = 3; round < 20; round += 1) {
      await Promise.all([put('a', round), put('b', round)])
      table.get(bytes('a'))
    }
    expect(a?.value.every((byte) => byte === 1)).toBe(true)
    expect(b?.every((byte) => byte === 2)).toBe(true)
  })

  it('writes of one call are one transaction, and calls take effect in order', async () => {
    const storage = storageAt(dir)
    const table = storage.table('t')
    const key = bytes('counter')
    const writes = Array.from(
      { length: 500 },
      (_, n) => storage.write([{ table, key, value: bytes(String(n)) }]).synced,
    )
    await Promise.all(writes)
    expect(Buffer.from(table.get(key) ?? []).toString()).toBe('499')
    const many = Array.from({ length: 3_000 }, (_, n) => ({
      table,
      key: bytes(`m${n}`),
      value: new Uint8Array(100),
    }))
    const { committed } = storage.write(many)
    while (table.get(bytes('m2999')) === undefined) {
      expect(table.get(bytes('m0'))).toBeUndefined()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await committed
    expect(table.get(bytes('m0'))).toBeDefined()
  })

  it('asks a function for its operations once all before it are committed', async () => {
    const storage = storageAt(dir)
    const table = storage.table('t')
    const operation = (key: string) => ({ table, key: bytes(key), value: bytes('v') })
    let seen: (Uint8Array | undefined)[] = []
    const first = storage.write([operation('a')])
    const joined = storage.write(() => {
      seen = [table.get(bytes('a')), table.get(bytes('late'))]
      return [operation('b')]
    })
    await Promise.all([first.synced, joined.synced])
    expect(seen).toEqual([undefined, undefined])
    storage.write([operation('late')])
    await turn()
    const behind = storage.write(() => {
      seen = [table.get(bytes('b')), table.get(bytes('late'))]
      return [operation('c')]
    })
    const closing = storage.close()
    await behind.synced
    expect(seen.map((value) => value?.byteLength)).toEqual([1, 1])
    await closing
    const again = storageAt(dir).table('t')
    expect([...again.range({ from: bytes('a'), to: bytes('z') })]).toHaveLength(4)
  })

  it('a function that fails is told, and nothing of its transaction is written', async () => {
    const storage = storageAt(dir)
    const table = storage.table('t')
    const written = storage.write([{ table, key: bytes('a'), value: bytes('v') }])
    const failing = storage.write(() => {
      throw new Error('planned')
    })
    const tooLong = () => [{ table, key: new Uint8Array(2_000), value: bytes('v') }]
    await expect(failing.synced).rejects.toThrow('planned')
    await expect(written.committed).rejects.toThrow('planned')
    await expect(storage.write(tooLong).synced).rejects.toThrow(RangeError)
    await storage.write(() => []).synced
    await storage.write(() => [{ table, key: bytes('b'), value: bytes('v') }]).synced
    expect(table.get(bytes('a'))).toBeUndefined()
    expect(table.get(bytes('b'))).toBeDefined()
  })

  it('closing lets writes finish, and refuses what comes after', async () => {
    const storage = storageAt(dir)
    const table = storage.table('t')
    const write = (key: string) => storage.write([{ table, key: bytes(key), value: bytes('v') }])
    const written = [write('a').synced, write('b').synced]
    const closing = storage.close()
    await Promise.all([...written, closing])
    expect(failureOf(() => write('c')).code).toBe('ZENHOOK_STORAGE_UNUSABLE')
    expect(failureOf(() => table.get(bytes('a'))).code).toBe('ZENHOOK_STORAGE_UNUSABLE')
    expect(storageAt(dir).table('t').get(bytes('b'))).toBeDefined()
  })

  it('is for one process at a time, also within this one', async () => {
    const storage = storageAt(dir)
    const failure = failureOf(() => openStorage(dir))
    expect(failure.code).toBe('ZENHOOK_STORAGE_LOCKED')
    expect(failure.message).toContain(String(process.pid))
    await storage.close()
    storageAt(dir)
  })

  it('names the process that holds it, and goes on after that was killed', async () => {
    const child = await holder()
    const failure = failureOf(() => openStorage(dir))
    expect(failure.code).toBe('ZENHOOK_STORAGE_LOCKED')
    expect(failure.message).toContain(`process ${child.pid}`)
    await kill(child)
    expect(storageAt(dir).table('held').get(Uint8Array.of(1))?.[0]).toBe(42)
  })

  it('takes over the lock of an earlier process with the same pid, and one that is torn', async () => {
    const lock = join(dir, 'lock.json')
    if (process.platform === 'linux') {
      writeFileSync(lock, JSON.stringify({ pid: process.pid, started: 'another boot/1' }))
      await storageAt(dir).close()
    }
    writeFileSync(lock, '{"pid":')
    const storage = storageAt(dir)
    expect((JSON.parse(readFileSync(lock, 'utf8')) as { pid: number }).pid).toBe(process.pid)
    await storage.close()
  })

  it('refuses a folder of another format', async () => {
    await storageAt(dir).close()
    writeFileSync(join(dir, 'format'), 'zenhook 99\n')
    const failure = failureOf(() => openStorage(dir))
    expect(failure.code).toBe('ZENHOOK_STORAGE_VERSION')
    expect(failure.message).toContain('zenhook 99')
    writeFileSync(join(dir, 'format'), 'zenhook 1\n')
    storageAt(dir)
  })

  it('takes an empty format, which a loss of power may leave, as one that was never written', async () => {
    const storage = storageAt(dir)
    const key = bytes('a')
    await storage.write([{ table: storage.table('t'), key, value: bytes('v') }]).synced
    await storage.close()
    writeFileSync(join(dir, 'format'), '')
    const again = storageAt(dir)
    expect(Buffer.from(again.table('t').get(key) ?? []).toString()).toBe('v')
    expect(readFileSync(join(dir, 'format'), 'utf8')).toBe('zenhook 1\n')
  })

  it('refuses a folder that it cannot make', () => {
    writeFileSync(join(dir, 'file'), '')
    expect(failureOf(() => openStorage(join(dir, 'file', 'data'))).code).toBe(
      'ZENHOOK_STORAGE_UNUSABLE',
    )
  })

  it('tells a full disk from others', () => {
    const coded = (code: string) => Object.assign(new Error('write failed'), { code })
    expect(storageError(dir, coded('ENOSPC'))).toMatchObject({
      code: 'ZENHOOK_STORAGE_FULL',
      retriable: true,
    })
    expect(storageError(dir, new Error('MDB_MAP_FULL: limit reached')).code).toBe(
      'ZENHOOK_STORAGE_FULL',
    )
    expect(storageError(dir, coded('EACCES')).code).toBe('ZENHOOK_STORAGE_UNUSABLE')
  })

  it('keeps what it acknowledged, and no more, when the disk takes nothing more', async () => {
    // The file may not grow beyond 3 MB: as a disk that is full, without one.
    const script = `
      import { openStorage } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
      const storage = openStorage(process.argv[1])
      const table = storage.table('t')
      const key = (n) => Uint8Array.of(1, n >> 8, n & 255)
      let acknowledged = 0
      let code = ''
      for (let n = 0; code === '' && n < 2000; n += 1)
        await storage.write([{ table, key: key(n), value: new Uint8Array(10_000) }]).synced
          .then(() => { acknowledged += 1 }, (error) => { code = error.code })
      const stored = [...table.range({ from: key(0), to: key(5_000) })].length
      await storage.close()
      console.log(JSON.stringify({ acknowledged, stored, code }))`
    const limited = `trap '' XFSZ; ulimit -f 3000; exec "$0" --import tsx --input-type=module -e "$1" "$2"`
    const child = spawn('bash', ['-c', limited, process.execPath, script, dir], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    children.push(child)
    let output = ''
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString()
    })
    const code = await new Promise((resolve) => child.once('exit', resolve))
    expect(code).toBe(0)
    const said = JSON.parse(output) as Record<string, unknown>
    expect(said.acknowledged).toBeGreaterThan(50)
    expect(said.stored).toBe(said.acknowledged)
    expect(said.code).toMatch(/^ZENHOOK_STORAGE_(FULL|UNUSABLE)$/)
  })
})

describe('group commit', () => {
  const table = { name: 't', get: () => undefined, range: () => [] }
  const operation = (n: number) => ({ table, key: Uint8Array.of(n), value: undefined })

  it('takes along what is asked for while a transaction is under way', async () => {
    const groups: number[][] = []
    const finish: (() => void)[] = []
    const write = createCommitter((operations) => {
      groups.push(operations.map(({ key }) => key[0] ?? 0))
      const done = new Promise<void>((resolve) => finish.push(resolve))
      return { committed: done, synced: done }
    })
    write([operation(1)])
    write([operation(2)])
    await turn()
    write([operation(3)])
    await turn()
    const last = write([operation(4), operation(5)]).synced
    await turn()
    expect(groups).toEqual([[1, 2]])
    finish[0]?.()
    await turn()
    expect(groups).toEqual([
      [1, 2],
      [3, 4, 5],
    ])
    finish[1]?.()
    await last
  })

  it('waits a little behind a transaction of much weight, not behind another', async () => {
    const began: number[] = []
    const write = createCommitter(() => {
      began.push(performance.now())
      return { committed: Promise.resolve(), synced: Promise.resolve() }
    })
    const gapAfter = async (weight: number): Promise<number> => {
      const before = began.length
      write(() => [{ ...operation(1), weight }])
      while (began.length === before) await turn()
      await write([operation(2)]).synced
      return (began.at(-1) ?? 0) - (began.at(-2) ?? 0)
    }
    for (let n = 0; n < 5; n += 1) expect(await gapAfter(12)).toBeGreaterThan(1.5)
    const light = []
    for (let n = 0; n < 20; n += 1) light.push(await gapAfter(11))
    expect(Math.min(...light)).toBeLessThan(1.5)
  })

  it('goes on after a failure, which only its own callers see', async () => {
    let fail = true
    const write = createCommitter(() => {
      const done = fail ? Promise.reject(new Error('planned')) : Promise.resolve()
      done.catch(() => undefined)
      fail = false
      return { committed: done, synced: done }
    })
    const failing = write([operation(1)])
    await expect(failing.synced).rejects.toThrow('planned')
    await expect(failing.committed).rejects.toThrow('planned')
    await write([operation(2)]).synced
  })
})
