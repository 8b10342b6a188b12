import { z } from 'zod'
import { isZenhookError, messageOf } from '../errors/index.ts'
import type { Codec, RegistryRecord } from '../event/codec/index.ts'
import type { NewRecord, StoredRecord } from '../log/port.ts'
import type { Logger } from '../telemetry/index.ts'
import { parseObject } from './objects.ts'
import type { AnyObject } from './port.ts'
import { freezeObject, keyOf, revisionOf, textOf } from './snapshot.ts'

export const registryTopic = 'registry'
/** One key for every marker, so that compaction keeps the newest alone. */
const markerKey = 'commit'
const marker = z.object({
  publishedAt: z.number(),
  /** The revision that the publisher built on; absent where it found none. */
  base: z.string().optional(),
})

export interface Committed {
  readonly revision: string
  readonly publishedAt: number
  readonly objects: ReadonlyMap<string, AnyObject>
}

/**
 * What the records of the topic come to. A marker counts only when the objects before it are exactly the
 * content that its revision names, and when it was built on the revision before it: compaction, a
 * publisher that died half way, the later of two publishers at once, or a record that cannot be read
 * leave the last good revision in place.
 */
export interface Fold {
  /** The last whole revision. */
  committed(): Committed | undefined
  /** The newest record of each key, committed or not. */
  pending(): ReadonlyMap<string, AnyObject>
  /** Keys whose newest record cannot be read: no revision holds until each is written again or deleted. */
  unreadable(): ReadonlySet<string>
  /** Whether the marker at this offset counted. */
  counted(offset: number): boolean
  /** True when a new revision was committed. Rejects when the record must be read again later. */
  apply(record: StoredRecord): Promise<boolean>
}

export const createFold = (codec: Codec, logger: Logger): Fold => {
  const pending = new Map<string, AnyObject>()
  const unreadable = new Set<string>()
  let committed: Committed | undefined
  // What the next marker has to build on; unknown before the first, and after one that did not fit.
  let tip: string | undefined
  const overtaken = new Set<string>()
  const counted: number[] = []

  const commit = (record: RegistryRecord, offset: number): boolean => {
    const { publishedAt, base } = marker.parse(JSON.parse(record.spec))
    // A revision that came too late counts after all once another was built on it: its publisher died
    // before it could publish again, and who started since then knows nothing else.
    const follows = tip === undefined || base === undefined || base === tip || overtaken.has(base)
    if (!follows) {
      overtaken.add(record.revision)
      logger.warn(
        { revision: record.revision, kept: tip },
        'two publications met; the first stands',
      )
      return false
    }
    overtaken.clear()
    if (unreadable.size > 0 || revisionOf(pending.values()) !== record.revision) {
      logger.warn(
        { revision: record.revision, kept: committed?.revision },
        'a revision of the registry is not whole; the last good one stays',
      )
      tip = undefined
      return false
    }
    tip = record.revision
    counted.push(offset)
    if (counted.length > 1_000) counted.shift()
    if (committed?.revision === record.revision) return false
    committed = { revision: record.revision, publishedAt, objects: new Map(pending) }
    return true
  }

  return {
    committed: () => committed,
    pending: () => pending,
    unreadable: () => unreadable,
    counted: (offset) => counted.includes(offset),
    async apply({ key, value, offset }) {
      if (key === null) return false
      if (value === null) {
        pending.delete(key)
        unreadable.delete(key)
        return false
      }
      try {
        const record = await codec.decode('registry', value)
        if (key === markerKey) return commit(record, offset)
        const parsed = parseObject({ kind: record.kind, spec: JSON.parse(record.spec) })
        const object = freezeObject(parsed)
        if (keyOf(object) !== key) throw new Error(`the record of ${key} holds ${keyOf(object)}`)
        pending.set(key, object)
        unreadable.delete(key)
      } catch (error) {
        if (isZenhookError(error) && error.retriable) throw error
        if (key !== markerKey) unreadable.add(key)
        logger.error(
          { code: 'ZENHOOK_REGISTRY_UNDECODABLE', key, offset, cause: messageOf(error) },
          'a record of the registry cannot be read; the last good revision stays',
        )
      }
      return false
    },
  }
}

/** What the topic holds now, as a fold has it. */
export interface Held {
  pending: ReadonlyMap<string, AnyObject>
  unreadable: ReadonlySet<string>
}

/** The records that turn what is held into `target`, with the marker last: one append, one partition. */
export const recordsFor = (
  codec: Codec,
  { pending, unreadable }: Held,
  target: ReadonlyMap<string, AnyObject>,
  revision: string,
  { publishedAt, base }: z.infer<typeof marker>,
): readonly NewRecord[] => {
  const record = (key: string, value: RegistryRecord | null): NewRecord => ({
    topic: registryTopic,
    key,
    value: value === null ? null : codec.encode('registry', value),
  })
  const records: NewRecord[] = []
  for (const [key, object] of target) {
    const present = unreadable.has(key) ? undefined : pending.get(key)
    const text = textOf(object)
    if (present !== undefined && textOf(present) === text) continue
    const { kind, spec } = object
    records.push(record(key, { kind, tenant: spec.tenant, name: spec.name, revision, spec: text }))
  }
  for (const key of new Set([...pending.keys(), ...unreadable]))
    if (!target.has(key)) records.push(record(key, null))
  const spec = JSON.stringify({ publishedAt, base })
  records.push(record(markerKey, { kind: markerKey, tenant: '', name: '', revision, spec }))
  return records
}

export const mapOfObjects = (objects: Iterable<AnyObject>): Map<string, AnyObject> =>
  new Map([...objects].map((object) => [keyOf(object), object]))
