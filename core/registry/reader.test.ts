import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ZenhookError } from '../errors/index.ts'
import { createCodec } from '../event/codec/codec.ts'
import { createFileSchemas } from '../event/codec/files/index.ts'
import { createMemoryLog } from '../log/memory/index.ts'
import type { Log } from '../log/port.ts'
import { topics } from '../log/topics.ts'
import { silentLogger } from '../telemetry/index.ts'
import { sourceObject } from './contract.ts'
import type { RegistryReader } from './port.ts'
import { createRegistryReader } from './reader.ts'
import { createRegistryWriter } from './writer.ts'

const codec = await createCodec({ schemas: await createFileSchemas() })

describe('a reader with an older snapshot on disk', () => {
  let folder: string
  let log: Log
  const readers: RegistryReader[] = []

  const read = (over: Log): RegistryReader => {
    const reader = createRegistryReader({
      log: over,
      codec,
      logger: silentLogger,
      graceMs: 200,
      snapshotFile: join(folder, 'registry.json'),
    })
    readers.push(reader)
    return reader
  }
  /** A reader of a log that is away until it comes back. */
  const readAway = () => {
    let away = true
    const reader = read({
      ...log,
      ends: async (topic) => {
        if (away) throw new ZenhookError('ZENHOOK_LOG_UNAVAILABLE', { retriable: true })
        return log.ends(topic)
      },
    })
    return {
      reader,
      comeBack: () => {
        away = false
      },
    }
  }
  const publish = (...names: string[]) =>
    createRegistryWriter({ log, codec }).publish({ put: names.map((name) => sourceObject(name)) })

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'zenhook-reader-'))
    log = createMemoryLog()
    await log.ensureTopics(topics().filter(({ name }) => name === 'registry'))
    await publish('old')
    const first = read(log)
    await first.ready()
    expect(first.caughtUp()).toBe(true)
    await first.close()
    await publish('new')
  })
  afterEach(async () => {
    await Promise.all(readers.splice(0).map((reader) => reader.close()))
    await log.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('uses it where the log that answered fails for long before it is read to its end, and knows what it is', async () => {
    let go = (): void => undefined
    const gone = new Promise<void>((resolve) => {
      go = resolve
    })
    let failed = 0
    const reader = read({
      ...log,
      async subscribe(options, onBatch) {
        failed += 1
        options.onError?.(new ZenhookError('ZENHOOK_SCHEMAS_UNAVAILABLE', { retriable: true }))
        await gone
        return log.subscribe(options, onBatch)
      },
    })
    await expect.poll(() => failed).toBe(1)
    expect(() => reader.snapshot()).toThrow(
      expect.objectContaining({ code: 'ZENHOOK_REGISTRY_NOT_READY' }),
    )
    await reader.ready()
    expect(reader.snapshot().source('acme', 'old')).toBeDefined()
    expect(reader.caughtUp()).toBe(false)
    go()
    await expect.poll(() => reader.caughtUp(), { timeout: 5_000 }).toBe(true)
    expect(reader.snapshot().source('acme', 'new')).toBeDefined()
  })

  it('has not caught up with it while the log is away, and has once the log is read', async () => {
    const { reader, comeBack } = readAway()
    await reader.ready()
    expect(reader.snapshot().source('acme', 'old')).toBeDefined()
    expect(reader.snapshot().source('acme', 'new')).toBeUndefined()
    expect(reader.caughtUp()).toBe(false)
    comeBack()
    await expect.poll(() => reader.caughtUp(), { timeout: 5_000 }).toBe(true)
    expect(reader.snapshot().source('acme', 'new')).toBeDefined()
  })

  it('has caught up with it where the log holds the same', async () => {
    const second = read(log)
    await second.ready()
    await second.close()
    const { reader, comeBack } = readAway()
    await reader.ready()
    expect(reader.caughtUp()).toBe(false)
    comeBack()
    await expect.poll(() => reader.caughtUp(), { timeout: 5_000 }).toBe(true)
  })
})
