import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, ZenhookError } from '../errors/index.ts'
import type { Codec } from '../event/codec/index.ts'
import type { Batch, Log, Subscription } from '../log/port.ts'
import type { Logger } from '../telemetry/index.ts'
import { type Committed, createFold, registryTopic } from './fold.ts'
import type { RegistryReader } from './port.ts'
import { snapshotOf } from './snapshot.ts'
import { createSnapshotFile } from './snapshot-file.ts'
import type { Snapshot } from './types.ts'

export interface RegistryReaderOptions {
  log: Log
  codec: Codec
  logger: Logger
  /** Where the last snapshot is kept, for a start while the log is away. */
  snapshotFile?: string
  /** How long a start waits for the log before it uses the file, ms. */
  graceMs?: number
  /** Group of the subscription; its progress is not kept. */
  group?: string
}

const retryMs = 1_000

const closed = (): ZenhookError =>
  new ZenhookError('ZENHOOK_REGISTRY_NOT_READY', { message: 'The registry was closed' })

/**
 * Follows the topic `registry`. `ready` resolves once the topic was read to its end as it stood at the
 * start and holds a revision, so that what was published before is known; or, while the log is away,
 * once the file gave the last one.
 */
export const createRegistryReader = (options: RegistryReaderOptions): RegistryReader => {
  const { log, codec, logger, graceMs = 2_000, group = 'registry' } = options
  const file =
    options.snapshotFile === undefined ? undefined : createSnapshotFile(options.snapshotFile)
  const listeners = new Set<(snapshot: Snapshot) => void>()
  const closing = new AbortController()
  const waiting = new Set<{ resolve: () => void; reject: (error: ZenhookError) => void }>()
  let current: Snapshot | undefined
  let reached = false
  let fromLog = false
  let subscribing: Promise<Subscription> | undefined
  let failing: NodeJS.Timeout | undefined

  const use = (snapshot: Snapshot): void => {
    if (snapshot.revision === current?.revision) return
    current = snapshot
    for (const { resolve } of waiting) resolve()
    waiting.clear()
    for (const listener of listeners) {
      try {
        listener(snapshot)
      } catch (error) {
        logger.error({ cause: messageOf(error) }, 'a listener of the registry failed')
      }
    }
  }

  const useCommitted = ({ objects, publishedAt, revision }: Committed): void => {
    fromLog = true
    if (revision === current?.revision) return
    use(snapshotOf(objects.values(), publishedAt))
    logger.info({ revision, publishedAt }, 'the registry is at a new revision')
    file
      ?.write({ revision, publishedAt, objects: [...objects.values()] })
      .catch((error: unknown) => {
        logger.warn(
          { cause: messageOf(error) },
          'the snapshot of the registry cannot be kept on disk',
        )
      })
  }

  const useFile = async (): Promise<void> => {
    if (current !== undefined || file === undefined) return
    try {
      const kept = await file.read()
      // The log may have answered while the file was read; it knows better.
      if (kept === undefined || current !== undefined || closing.signal.aborted) return
      use(snapshotOf(kept.objects, kept.publishedAt))
      logger.warn({ revision: kept.revision }, 'the log is away; the last snapshot on disk is used')
    } catch (error) {
      logger.error(
        { cause: messageOf(error) },
        'the snapshot of the registry on disk is not usable',
      )
    }
  }

  const follow = async (): Promise<void> => {
    const [end] = await log.ends(registryTopic)
    reached = true
    const until = end?.next ?? 0
    const fold = createFold(codec, logger)
    let caughtUp = false
    const settleUp = (next: number): void => {
      caughtUp ||= next >= until
      const committed = fold.committed()
      if (caughtUp && committed !== undefined) useCommitted(committed)
    }
    const onBatch = async (batch: Batch): Promise<undefined> => {
      for (const record of batch.records) {
        const switched = await fold.apply(record)
        if (switched || !caughtUp) settleUp(record.offset + 1)
      }
      const last = batch.records.at(-1)
      if (last !== undefined) await batch.settle(last)
      return undefined
    }
    if (closing.signal.aborted) return
    subscribing = log.subscribe(
      {
        group,
        topics: [registryTopic],
        ephemeral: true,
        onError: (error) => {
          logger.warn({ cause: messageOf(error) }, 'reading the registry failed and is tried again')
          // The log was reached, and knows what the file may lack: it may answer for a while still.
          failing ??= setTimeout(useFile, graceMs)
          failing.unref()
        },
      },
      onBatch,
    )
    await subscribing
  }

  const start = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      try {
        return await follow()
      } catch (error) {
        logger.warn({ cause: messageOf(error) }, 'the registry cannot be read from the log')
        await useFile()
        await sleep(retryMs, undefined, { signal: closing.signal }).catch(() => undefined)
      }
    }
  }

  start()
  // Reachable but not read to its end yet: then only the log may answer, for the file may lack a source.
  const grace = setTimeout(() => {
    if (!reached) useFile()
  }, graceMs)
  grace.unref()

  return {
    snapshot() {
      if (current === undefined)
        throw new ZenhookError('ZENHOOK_REGISTRY_NOT_READY', { retriable: true })
      return current
    },
    ready: () =>
      new Promise((resolve, reject) => {
        if (current !== undefined) resolve()
        else if (closing.signal.aborted) reject(closed())
        else waiting.add({ resolve, reject })
      }),
    caughtUp: () => fromLog,
    onChange(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    async close() {
      if (closing.signal.aborted) return
      clearTimeout(grace)
      clearTimeout(failing)
      closing.abort()
      for (const { reject } of waiting) reject(closed())
      waiting.clear()
      // Not the look at the ends: a log that is away may never answer it.
      const subscription = await subscribing?.catch(() => undefined)
      await subscription?.close()
      await file?.settled()
    },
  }
}
