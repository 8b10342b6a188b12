import { setTimeout as sleep } from 'node:timers/promises'
import { ZenhookError } from '../errors/index.ts'
import type { Codec } from '../event/codec/index.ts'
import type { Log } from '../log/port.ts'
import { type Logger, silentLogger } from '../telemetry/index.ts'
import { differences } from './diff.ts'
import {
  type Committed,
  createFold,
  type Fold,
  mapOfObjects,
  recordsFor,
  registryTopic,
} from './fold.ts'
import type { AnyObject, Change, Difference, Published, RegistryWriter } from './port.ts'
import { objectKey, revisionOf } from './snapshot.ts'

export interface RegistryWriterOptions {
  log: Log
  codec: Codec
  now?: () => number
  logger?: Logger
}

export interface PublishOptions {
  /** Rejects with ZENHOOK_REGISTRY_CONFLICT unless this is the present revision (`''`: none yet). */
  ifRevision?: string
}

export interface PresentState {
  /** `''` before the first publication. */
  revision: string
  objects: readonly AnyObject[]
}

/** A change that depends on what is there; made again where another publication came first. */
export type ChangeOf = (present: PresentState) => Change

/** The port, with the expected revision of a change and the present state, read from the log itself. */
export interface LogRegistryWriter extends RegistryWriter {
  /** Rejects with what a change that depends on the present throws, and then publishes nothing. */
  publish(change: Change | ChangeOf, options?: PublishOptions): Promise<Published>
  present(): Promise<PresentState>
}

const maxTries = 8
/** All writers of one log in this process wait for each other. */
const queues = new WeakMap<Log, Promise<unknown>>()
const targetOf = (
  present: ReadonlyMap<string, AnyObject>,
  change: Change,
): ReadonlyMap<string, AnyObject> => {
  if ('replace' in change) return mapOfObjects(change.replace)
  const target = new Map([...present, ...mapOfObjects(change.put ?? [])])
  for (const gone of change.delete ?? []) target.delete(objectKey(gone))
  return target
}

const changeOn = (
  change: Change | ChangeOf,
  revision: string,
  present: ReadonlyMap<string, AnyObject>,
): Change =>
  typeof change === 'function' ? change({ revision, objects: [...present.values()] }) : change

/** Keys of what cannot be read here, perhaps of a newer version, and of which the change says nothing. */
const unreadBeside = (change: Change, keys: ReadonlySet<string>): readonly string[] => {
  if ('replace' in change) return []
  const put = mapOfObjects(change.put ?? [])
  const deleted = new Set((change.delete ?? []).map(objectKey))
  return [...keys].filter((key) => !put.has(key) && !deleted.has(key))
}

const unreadable = (keys: readonly string[]): ZenhookError =>
  new ZenhookError('ZENHOOK_REGISTRY_UNDECODABLE', {
    message: `The registry holds what this version cannot read, and a change beside it would delete it: ${keys.slice(0, 5).join(', ')}${keys.length > 5 ? ` and ${keys.length - 5} more` : ''}`,
    fix: 'Use the version that wrote it, or publish the whole configuration (zenhook apply, or start --config)',
    details: { keys },
  })

const conflict = (expected: string, present: string): ZenhookError =>
  new ZenhookError('ZENHOOK_REGISTRY_CONFLICT', {
    message: `The configuration is at revision ${present || '(none)'}, not at ${expected || '(none)'}`,
    details: { expected, present },
  })

/**
 * Publishes to the topic `registry`. Publications of one process wait for each other; of those of several
 * processes that meet, the first in the log counts: the others see it by reading back and publish again
 * on top of it, or reject with ZENHOOK_REGISTRY_CONFLICT where they named a revision.
 */
export const createRegistryWriter = (options: RegistryWriterOptions): LogRegistryWriter => {
  const { log, codec, now = Date.now, logger = silentLogger } = options
  let fold: Fold = createFold(codec, logger)
  let next = 0

  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const result = (queues.get(log) ?? Promise.resolve()).then(work)
    queues.set(
      log,
      result.catch(() => undefined),
    )
    return result
  }

  const catchUp = async (): Promise<Committed | undefined> => {
    const [end] = await log.ends(registryTopic)
    // An end before what was read: the topic was made anew.
    if (end === undefined || end.next < next) {
      fold = createFold(codec, logger)
      next = 0
    }
    if (end === undefined) return undefined
    const from = { topic: registryTopic, partition: 0, offset: Math.max(next, end.first) }
    for await (const record of log.read(from, end.next)) {
      await fold.apply(record)
      next = record.offset + 1
    }
    next = Math.max(next, end.next)
    return fold.committed()
  }

  // A publisher that died while another one published may leave objects without a marker that fits
  // them: they are what the next change builds on, never nothing.
  const present = (): ReadonlyMap<string, AnyObject> =>
    fold.committed()?.objects ?? new Map(fold.pending())

  /** Gives the revision, and whether its marker counted. */
  const append = async (
    target: ReadonlyMap<string, AnyObject>,
  ): Promise<{ revision: string; counted: boolean }> => {
    const revision = revisionOf(target.values())
    const base = fold.committed()?.revision
    const marker = { publishedAt: now(), ...(base === undefined ? {} : { base }) }
    const lost = [...fold.unreadable()].filter((key) => !target.has(key))
    if (lost.length > 0)
      logger.warn({ keys: lost }, 'records of the registry that cannot be read are deleted')
    const held = { pending: fold.pending(), unreadable: fold.unreadable() }
    const positions = await log.append(recordsFor(codec, held, target, revision, marker))
    await catchUp()
    return { revision, counted: fold.counted(positions.at(-1)?.offset ?? -1) }
  }

  const holds = (revision: string): boolean =>
    fold.committed()?.revision === revision &&
    fold.unreadable().size === 0 &&
    revisionOf(fold.pending().values()) === revision

  const publishNow = async (
    change: Change | ChangeOf,
    { ifRevision }: PublishOptions,
  ): Promise<Published> => {
    for (let attempt = 1; ; attempt += 1) {
      const committed = await catchUp()
      const revision = committed?.revision ?? ''
      if (ifRevision !== undefined && ifRevision !== revision) throw conflict(ifRevision, revision)
      const before = present()
      let wanted: Change
      try {
        wanted = changeOn(change, revision, before)
      } catch (error) {
        if (attempt > 1) await restore()
        throw error
      }
      const target = targetOf(before, wanted)
      const changed = differences(before, target)
      const unread = unreadBeside(wanted, fold.unreadable())
      if (unread.length > 0) {
        // Without a whole revision there is nothing that could stay as it is: nobody could begin with it.
        if (committed !== undefined && changed.length === 0) return { revision, changed }
        throw unreadable(unread)
      }
      if (committed !== undefined && changed.length === 0 && holds(revision)) {
        return { revision, changed }
      }
      const published = await append(target)
      if (published.counted) return { revision: published.revision, changed }
      // Another process published in between. Its revision stands; ours is not visible yet.
      logger.warn(
        { attempt, revision: published.revision },
        'two publications met; publishing again',
      )
      if (ifRevision !== undefined || attempt === maxTries) {
        await restore()
        throw conflict(ifRevision ?? revision, fold.committed()?.revision ?? '')
      }
      await sleep(Math.random() * 10 * 2 ** attempt)
    }
  }

  // Our records of a lost race hide the winner's from compaction: write the committed content again.
  const restore = async (): Promise<void> => {
    const objects = fold.committed()?.objects
    if (objects !== undefined) await append(objects)
  }

  return {
    publish: (change, publishOptions = {}) => alone(() => publishNow(change, publishOptions)),
    diff: (change) =>
      alone(async (): Promise<readonly Difference[]> => {
        await catchUp()
        const before = present()
        return differences(before, targetOf(before, change))
      }),
    present: () =>
      alone(async () => {
        const committed = await catchUp()
        return {
          revision: committed?.revision ?? '',
          objects: [...(committed?.objects.values() ?? [])],
        }
      }),
  }
}
