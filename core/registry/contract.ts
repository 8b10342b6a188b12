import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest'
import { isZenhookError } from '../errors/index.ts'
import type { Codec } from '../event/codec/index.ts'
import type { Log } from '../log/port.ts'
import { silentLogger } from '../telemetry/index.ts'
import { mapOfObjects, recordsFor, registryTopic } from './fold.ts'
import type { AnyObject, RegistryReader } from './port.ts'
import { createRegistryReader } from './reader.ts'
import { revisionOf } from './snapshot.ts'
import type { Destination, Route, Snapshot, Source } from './types.ts'
import { createRegistryWriter } from './writer.ts'

/** What a log brings so that the registry over it can be held to its promises. */
export interface RegistryHarness {
  /** How long any one step may take. */
  timeoutMs: number
  /** A log with an empty topic `registry`, and a codec. */
  open(): Promise<{ log: Log; codec: Codec }>
  /** Drops all but the newest record per key now. */
  compact?(log: Log): Promise<void>
  /** The same log as another process sees it. Absent where only one process may use it. */
  another?(): Promise<Log>
  close(log: Log): Promise<void>
}

export const sourceObject = (name: string, spec: Partial<Source> = {}): AnyObject => ({
  kind: 'source',
  spec: {
    tenant: 'acme',
    name,
    provider: 'github',
    secrets: ['env:GITHUB_SECRET'],
    dedupe: {},
    maxBody: 1_048_576,
    replay: 'strict',
    ...spec,
  },
})

export const destinationObject = (name: string, spec: Partial<Destination> = {}): AnyObject => ({
  kind: 'destination',
  spec: {
    tenant: 'acme',
    name,
    connector: 'webhook',
    config: { url: 'https://example.com/hook' },
    secrets: {},
    retry: { attempts: 3, delaysMs: [5_000, 30_000] },
    ordered: false,
    allowPrivate: false,
    disabled: false,
    ...spec,
  },
})

export const routeObject = (name: string, spec: Partial<Route> = {}): AnyObject => ({
  kind: 'route',
  spec: {
    tenant: 'acme',
    name,
    index: 0,
    when: 'true',
    to: ['hook'],
    stop: false,
    default: false,
    ...spec,
  },
})

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise
    return 'resolved'
  } catch (error) {
    return isZenhookError(error) ? error.code : String(error)
  }
}

export const registryContract = (name: string, harness: RegistryHarness): void => {
  describe(`registry over ${name}`, { timeout: harness.timeoutMs * 3 }, () => {
    let log: Log
    let codec: Codec
    let folder: string
    const readers: RegistryReader[] = []

    beforeEach(async () => {
      ;({ log, codec } = await harness.open())
      folder = await mkdtemp(join(tmpdir(), 'zenhook-registry-'))
    }, harness.timeoutMs * 2)

    afterEach(async () => {
      await Promise.all(readers.splice(0).map((reader) => reader.close()))
      await Promise.all(others.splice(0).map((other) => other.close()))
      await harness.close(log)
      await rm(folder, { recursive: true, force: true })
    }, harness.timeoutMs * 2)

    const openReader = (over: Log = log, snapshotFile?: string, graceMs = 100): RegistryReader => {
      const reader = createRegistryReader({
        log: over,
        codec,
        logger: silentLogger,
        graceMs,
        group: `registry-${randomUUID()}`,
        ...(snapshotFile === undefined ? {} : { snapshotFile }),
      })
      readers.push(reader)
      return reader
    }

    const openWriter = (over: Log = log) =>
      createRegistryWriter({ log: over, codec, logger: silentLogger })

    const others: Log[] = []
    /** A writer of another process, where the log allows several. */
    const openOther = async () => {
      if (harness.another === undefined) return openWriter()
      const other = await harness.another()
      others.push(other)
      return openWriter(other)
    }

    const until = async (check: () => boolean): Promise<void> => {
      await expect.poll(check, { timeout: harness.timeoutMs, interval: 5 }).toBe(true)
    }

    const at = (reader: RegistryReader, revision: string) =>
      until(() => {
        try {
          return reader.snapshot().revision === revision
        } catch {
          return false
        }
      })

    const append = async (
      present: readonly AnyObject[],
      target: readonly AnyObject[],
      { revision = revisionOf(target), marker = true } = {},
    ) => {
      const held = { pending: mapOfObjects(present), unreadable: new Set<string>() }
      const records = recordsFor(codec, held, mapOfObjects(target), revision, { publishedAt: 1 })
      await log.append(marker ? records : records.slice(0, -1))
    }

    const skip = (context: TestContext, missing: string): void => {
      const reason = `${name}: the harness has no ${missing}`
      console.log(`skipped: ${context.task.name}: ${reason}`)
      context.skip(reason)
    }

    it('is not ready before the first revision', async () => {
      const reader = openReader()
      expect(await codeOf((async () => reader.snapshot())())).toBe('ZENHOOK_REGISTRY_NOT_READY')
      const ready = reader.ready()
      const { revision } = await openWriter().publish({ replace: [sourceObject('github')] })
      await ready
      expect(reader.snapshot().revision).toBe(revision)
    })

    it('knows what was published before it started', async () => {
      const writer = openWriter()
      await writer.publish({ replace: [sourceObject('github'), destinationObject('hook')] })
      await writer.publish({ put: [routeObject('all'), sourceObject('stripe')] })
      const { revision } = await writer.publish({
        delete: [{ kind: 'source', tenant: 'acme', name: 'github' }],
      })
      const reader = openReader()
      const seen: string[] = []
      reader.onChange((snapshot) => seen.push(snapshot.revision))
      await reader.ready()
      const snapshot = reader.snapshot()
      expect(seen, 'no earlier revision is shown on the way').toEqual([revision])
      expect(snapshot.source('acme', 'github')).toBeUndefined()
      expect(snapshot.source('acme', 'stripe')?.provider).toBe('github')
      expect(snapshot.destination('acme', 'hook')?.connector).toBe('webhook')
      expect(snapshot.routes('acme').map((route) => route.name)).toEqual(['all'])
      expect(snapshot.tenants()).toEqual(['acme'])
    })

    it('switches whole: no reader ever sees half a revision', async () => {
      const writer = openWriter()
      const generation = (mark: string) =>
        Array.from({ length: 40 }, (_, index) => sourceObject(`s${index}`, { provider: mark }))
      await writer.publish({ replace: generation('g0') })
      const reader = openReader()
      await reader.ready()
      const mixed: string[][] = []
      const look = (snapshot: Snapshot): void => {
        const marks = new Set([...snapshot.sources()].map((source) => source.provider ?? ''))
        if (marks.size !== 1) mixed.push([...marks])
      }
      reader.onChange(look)
      let last = ''
      for (let round = 1; round <= 5; round += 1) {
        last = (await writer.publish({ replace: generation(`g${round}`) })).revision
        look(reader.snapshot())
      }
      await at(reader, last)
      expect(mixed).toEqual([])
    })

    it('says what changed, and appends nothing when nothing did', async () => {
      const writer = openWriter()
      const first = await writer.publish({
        replace: [sourceObject('github'), destinationObject('hook')],
      })
      expect(first.changed.map(({ action, kind }) => `${action} ${kind}`)).toEqual([
        'create destination',
        'create source',
      ])
      const change = {
        put: [
          sourceObject('github', { maxBody: 5, dedupe: { windowMs: 7 } }),
          destinationObject('hook'),
        ],
      }
      expect(await writer.diff(change)).toEqual([
        {
          kind: 'source',
          tenant: 'acme',
          name: 'github',
          action: 'update',
          fields: ['dedupe.windowMs', 'maxBody'],
        },
      ])
      const second = await writer.publish(change)
      expect(second.revision).not.toBe(first.revision)
      const [before] = await log.ends(registryTopic)
      const third = await openWriter().publish(change)
      expect(third).toEqual({ revision: second.revision, changed: [] })
      expect(await log.ends(registryTopic)).toEqual([before])
    })

    it('refuses a change that names another revision, and changes nothing', async () => {
      const writer = openWriter()
      const { revision } = await writer.publish({ replace: [sourceObject('a')] })
      expect(
        await writer.publish({ put: [sourceObject('b')] }, { ifRevision: revision }),
      ).toMatchObject({ changed: [{ action: 'create', name: 'b' }] })
      const present = await writer.present()
      expect(
        await codeOf(writer.publish({ put: [sourceObject('c')] }, { ifRevision: revision })),
      ).toBe('ZENHOOK_REGISTRY_CONFLICT')
      expect((await writer.present()).revision).toBe(present.revision)
    })

    it('loses no change of publishers that meet', async () => {
      const names = ['a', 'b', 'c', 'd', 'e', 'f']
      await Promise.all(
        names.map(async (each) => (await openOther()).publish({ put: [sourceObject(each)] })),
      )
      const present = await openWriter().present()
      expect(present.objects.map(({ spec }) => spec.name).sort()).toEqual(names)
      const reader = openReader()
      await at(reader, present.revision)
      expect([...reader.snapshot().sources()]).toHaveLength(names.length)
    })

    it('lets one of several changes of the same object win that name the same revision', async () => {
      const { revision } = await openWriter().publish({ replace: [sourceObject('a')] })
      const reader = openReader()
      await at(reader, revision)
      const tries = Array.from({ length: 6 }, (_, index) => index + 1).map(async (maxBody) => {
        const change = { put: [sourceObject('a', { maxBody })] }
        const outcome = await codeOf((await openOther()).publish(change, { ifRevision: revision }))
        return { maxBody, outcome }
      })
      const results = await Promise.all(tries)
      const won = results.filter(({ outcome }) => outcome === 'resolved')
      const lost = results.filter(({ outcome }) => outcome === 'ZENHOOK_REGISTRY_CONFLICT')
      expect([won.length, lost.length]).toEqual([1, 5])
      const present = await openWriter().present()
      expect(present.objects.map(({ spec }) => spec)).toMatchObject([{ maxBody: won[0]?.maxBody }])
      await at(reader, present.revision)
    })

    it('keeps the last good revision when a publisher dies half way, and heals', async () => {
      const before = [sourceObject('a'), sourceObject('b')]
      const { revision } = await openWriter().publish({ replace: before })
      const reader = openReader()
      await at(reader, revision)
      await append(before, [...before, sourceObject('half')], { marker: false })
      const late = openReader()
      await at(late, revision)
      const { revision: next } = await openWriter().publish({ put: [sourceObject('c')] })
      await at(reader, next)
      expect([...reader.snapshot().sources()].map(({ name }) => name).sort()).toEqual([
        'a',
        'b',
        'c',
      ])
    })

    it('builds on what is there when no marker fits it, never on nothing', async () => {
      const before = [sourceObject('a')]
      await openWriter().publish({ replace: before })
      await append(before, [...before, sourceObject('b')], { revision: 'ffffffffffffffff' })
      const { revision } = await openWriter().publish({ put: [sourceObject('c')] })
      const reader = openReader()
      await at(reader, revision)
      const names = [...reader.snapshot().sources()].map(({ name }) => name)
      expect(names).toEqual(expect.arrayContaining(['a', 'c']))
    })

    it('keeps the last good revision when a record cannot be read, and heals', async () => {
      const writer = openWriter()
      const { revision } = await writer.publish({ replace: [sourceObject('a')] })
      const reader = openReader()
      await at(reader, revision)
      const seen: Snapshot[] = []
      reader.onChange((snapshot) => seen.push(snapshot))
      await log.append([
        { topic: registryTopic, key: 'source/acme/broken', value: new Uint8Array([1, 2, 3]) },
      ])
      await append([], [sourceObject('a'), sourceObject('b')])
      expect(reader.snapshot().revision).toBe(revision)
      const { revision: next } = await openWriter().publish({
        put: [sourceObject('broken')],
      })
      await at(reader, next)
      expect(seen.map((snapshot) => snapshot.revision)).toEqual([next])
    })

    it('reads a compacted topic', async (context) => {
      if (harness.compact === undefined) return skip(context, 'compact')
      const writer = openWriter()
      await writer.publish({ replace: [sourceObject('a'), sourceObject('b')] })
      await writer.publish({ put: [sourceObject('a', { maxBody: 9 })] })
      const { revision } = await writer.publish({
        delete: [{ kind: 'source', tenant: 'acme', name: 'b' }],
      })
      await harness.compact(log)
      const reader = openReader()
      await reader.ready()
      expect(reader.snapshot().revision).toBe(revision)
      expect(await openWriter().present()).toMatchObject({ revision })
    })

    it('starts from its file while the log is away, and from the log when it is there', async () => {
      const file = join(folder, 'data', 'registry.json')
      const writer = openWriter()
      const { revision } = await writer.publish({ replace: [sourceObject('a')] })
      const first = openReader(log, file)
      await first.ready()
      await first.close()
      const away: Log = { ...log, ends: () => new Promise(() => {}) }
      const offline = openReader(away, file)
      await offline.ready()
      expect(offline.snapshot().revision).toBe(revision)
      expect(offline.snapshot().source('acme', 'a')?.name).toBe('a')
      const { revision: next } = await writer.publish({ put: [sourceObject('b')] })
      const online = openReader(log, file, 0)
      const seen: string[] = []
      online.onChange((snapshot) => seen.push(snapshot.revision))
      await online.ready()
      await at(online, next)
    })

    it('does not use a file that was changed by hand', async () => {
      const file = join(folder, 'registry.json')
      await openWriter().publish({ replace: [sourceObject('a')] })
      const first = openReader(log, file)
      await first.ready()
      await first.close()
      const text = await readFile(file, 'utf8')
      await writeFile(file, text.replace('"provider":"github"', '"provider":"gitlab"'))
      const offline = openReader(
        { ...log, ends: () => Promise.reject(new Error('away')) },
        file,
        10,
      )
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(await codeOf((async () => offline.snapshot())())).toBe('ZENHOOK_REGISTRY_NOT_READY')
    })

    it('closes at any time, and tells who waits', async () => {
      const reader = openReader()
      const ready = codeOf(reader.ready())
      await reader.close()
      await reader.close()
      expect(await ready).toBe('ZENHOOK_REGISTRY_NOT_READY')
      expect(await codeOf(reader.ready())).toBe('ZENHOOK_REGISTRY_NOT_READY')
    })
  })
}
