import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCodec } from '../event/codec/codec.ts'
import { createFileSchemas } from '../event/codec/files/index.ts'
import { createMemoryLog } from '../log/memory/index.ts'
import type { Log } from '../log/port.ts'
import { topics } from '../log/topics.ts'
import { silentLogger } from '../telemetry/index.ts'
import { sourceObject } from './contract.ts'
import { createFold, registryTopic } from './fold.ts'
import type { AnyObject, Change } from './port.ts'
import { objectKey } from './snapshot.ts'
import { createRegistryWriter, type LogRegistryWriter } from './writer.ts'

const codec = await createCodec({ schemas: await createFileSchemas() })
const before: readonly AnyObject[] = [sourceObject('a'), sourceObject('b')]

/** A record that another version wrote: its frame is fine, its kind is none of ours. */
const ofAnotherVersion = (name: string): Uint8Array =>
  codec.encode('registry', {
    ...{ kind: 'policy', tenant: 'acme', name, revision: 'ffffffffffffffff' },
    spec: JSON.stringify({ tenant: 'acme', name }),
  })

describe('a record of the registry that cannot be read', () => {
  let log: Log
  let writer: LogRegistryWriter
  beforeEach(async () => {
    log = createMemoryLog()
    await log.ensureTopics(topics().filter(({ name }) => name === 'registry'))
    writer = createRegistryWriter({ log, codec })
    await writer.publish({ replace: before })
  })
  afterEach(() => log.close())

  const stray: readonly (readonly [what: string, key: string, value: Uint8Array])[] = [
    ['of a kind of another version', 'policy/acme/new', ofAnotherVersion('new')],
    ['that is none of ours', 'stray', new Uint8Array([1, 2, 3])],
    ['in the place of a known object', 'source/acme/b', new Uint8Array([1, 2, 3])],
  ]
  const changes: readonly (readonly [what: string, change: Change, names: string])[] = [
    ['replacing all by other objects', { replace: [sourceObject('c')] }, 'c'],
    ['publishing the very same again', { replace: before }, 'a b'],
  ]
  const beside: readonly (readonly [what: string, change: Change])[] = [
    ['putting another object', { put: [sourceObject('c')] }],
    ['deleting another object', { delete: [{ kind: 'source', tenant: 'acme', name: 'a' }] }],
  ]
  const cases = stray.flatMap(([what, key, value]) =>
    changes.map(([how, change, names]) => ({ what, key, value, how, change, names })),
  )

  it.each(cases)('$what is mended by $how', async ({ key, value, change, names }) => {
    await log.append([{ topic: registryTopic, key, value }])
    const { revision } = await writer.publish(change)
    // As a reader that starts now finds it.
    const fold = createFold(codec, silentLogger)
    const from = { topic: registryTopic, partition: 0, offset: 0 }
    for await (const record of log.read(from)) await fold.apply(record)
    expect(fold.unreadable().size).toBe(0)
    const found = fold.committed()
    expect(found?.revision).toBe(revision)
    const objects = [...(found?.objects.values() ?? [])]
    expect(
      objects
        .map(({ spec }) => spec.name)
        .sort()
        .join(' '),
    ).toBe(names)
  })

  it.each(beside)('of a newer version is not deleted by %s', async (_, change) => {
    const [key, value] = ['policy/acme/new', ofAnotherVersion('new')]
    await log.append([{ topic: registryTopic, key, value }])
    const ends = await log.ends(registryTopic)
    await expect(writer.publish(change)).rejects.toMatchObject({
      code: 'ZENHOOK_REGISTRY_UNDECODABLE',
      message: expect.stringContaining(key) as string,
    })
    // What changes nothing is no reason to fail: so a process begins.
    expect((await writer.publish({ put: before })).changed).toEqual([])
    expect(await log.ends(registryTopic)).toEqual(ends)
  })

  it('of a newer version ends a start beside which no whole revision is left, and says why', async () => {
    const [key, value] = ['policy/acme/new', ofAnotherVersion('new')]
    const marker = codec.encode('registry', {
      ...{ kind: 'commit', tenant: '', name: '', revision: 'ffffffffffffffff' },
      spec: JSON.stringify({ publishedAt: 1 }),
    })
    // Compaction keeps the newest marker alone: that of the newer version.
    await log.append([
      { topic: registryTopic, key, value },
      { topic: registryTopic, key: 'commit', value: marker },
    ])
    const older = createRegistryWriter({ log, codec })
    expect((await older.present()).revision).toBe('')
    await expect(older.publish({ put: before })).rejects.toMatchObject({
      code: 'ZENHOOK_REGISTRY_UNDECODABLE',
    })
    expect((await older.publish({ replace: before })).revision).not.toBe('')
  })

  it('is mended by name', async () => {
    const key = objectKey({ kind: 'source', tenant: 'acme', name: 'b' })
    await log.append([{ topic: registryTopic, key, value: new Uint8Array([1]) }])
    await writer.publish({ put: [sourceObject('b'), sourceObject('c')] })
    expect((await writer.present()).objects.map(({ spec }) => spec.name).sort()).toEqual([
      ...['a', 'b', 'c'],
    ])
  })

  it('is mended by a process that finds no whole revision beside it, as at a start', async () => {
    await log.append([
      { topic: registryTopic, key: 'policy/acme/new', value: ofAnotherVersion('new') },
      {
        topic: registryTopic,
        key: objectKey({ kind: 'source', tenant: 'acme', name: 'b' }),
        value: null,
      },
    ])
    expect((await createRegistryWriter({ log, codec }).present()).revision).toBe('')
    const { revision } = await createRegistryWriter({ log, codec }).publish({
      replace: [sourceObject('b')],
    })
    expect((await writer.present()).revision).toBe(revision)
    // Nothing is left to mend: the same again is no publication.
    const [end] = await log.ends(registryTopic)
    await writer.publish({ replace: [sourceObject('b')] })
    expect(await log.ends(registryTopic)).toEqual([end])
  })
})
