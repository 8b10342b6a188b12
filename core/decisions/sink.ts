import { hash } from 'node:crypto'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { hasCode, isZenhookError, messageOf, ZenhookError } from '../errors/index.ts'
import type { Codec } from '../event/codec/index.ts'
import type { Hash } from '../event/index.ts'
import type { Batch, Log, StoredRecord } from '../log/port.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'
import { atMost } from '../time/limits.ts'
import { isTableMissing } from './failure.ts'
import type { Decisions, DecisionTable, Values } from './port.ts'
import { createBuffer, type Entry, type Job, type Load } from './sink/buffer.ts'
import { codeOf, deadRecord } from './sink/letters.ts'
import { type Content, rowCount, rowsOf } from './sink/rows.ts'
import { createSettler } from './sink/settler.ts'
import { tableNames } from './tables.ts'

export interface SinkOptions {
  log: Log
  codec: Codec
  decisions: Decisions
  metrics: Metrics
  logger: Logger
  /** Milliseconds since the epoch. */
  now(): number
  batch?: {
    /** Rows of one insert, at most about; 10,000 by default. */
    rows?: number
    /** Bytes of the records that wait for one insert, at most about; 16 MiB by default. */
    bytes?: number
    /** How long a row waits for others, ms; 200 by default. */
    ms?: number
    /** The same after a load of many rows, ms: each insert makes a part of each table, which is merged later; 1,000 by default. */
    busyMs?: number
  }
  /** First and longest pause while ClickHouse is away, ms; 200 and 10,000 by default. */
  backoff?: { firstMs?: number; longestMs?: number }
}

export interface Sink {
  ready(): Promise<void>
  /** Why rows cannot be stored now; `undefined` while they can. */
  trouble(): ZenhookError | undefined
  /** Stores and settles what it holds, if ClickHouse answers; the rest comes back at the next start. Idempotent. */
  close(): Promise<void>
}

/** A load of so many rows says that many events come. */
const busyRows = 400

/** Records whose rows are made before others have their turn: a busy second brings thousands. */
const stepEntries = 200

/** How long a close waits for progress that is under way, ms: what is not settled is stored once more. */
const lastSettleMs = 2_000

export const sinkGroup = 'sink'
export const sinkTopics: readonly string[] = ['received', 'decisions']

/**
 * Writes what the topics `received` and `decisions` say into ClickHouse. A record is settled only once
 * its rows are stored; while ClickHouse is away records wait in their topics. Rows may be inserted
 * again after a crash or an unknown end: the tables keep one of each.
 */
export const startSink = async (options: SinkOptions): Promise<Sink> => {
  const { log, codec, decisions, metrics, logger, now } = options
  const { rows: batchRows = 10_000, bytes: batchBytes = 16 * 1024 * 1024 } = options.batch ?? {}
  const { ms: batchMs = 200, busyMs = 1_000 } = options.batch ?? {}
  const { firstMs = 200, longestMs = 10_000 } = options.backoff ?? {}
  const buffer = createBuffer()
  const stopping = new AbortController()
  const stopped = stopping.signal
  let trouble: ZenhookError | undefined
  let flushing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let isBusy = false
  /** A load was given up when the sink stopped: nothing after it may be settled. */
  let hasGivenUp = false
  const dead = { codec, hash: sha256, stage: sinkGroup }

  const onBatch = async (batch: Batch): Promise<undefined> => {
    // Until the signal says that the subscription closes: a handler that returns gets the next batch.
    if (stopped.aborted) return waitFor(batch.signal)
    const last = batch.records.at(-1)
    if (last === undefined) return undefined
    const job: Job = { batch, through: last, letters: [] }
    const entries: Entry[] = []
    let rows = 0
    let bytes = 0
    for (const record of batch.records) {
      bytes += record.value?.length ?? 0
      const found = contentOf(record, job)
      const content = found instanceof Promise ? await found : found
      if (content === undefined) continue
      entries.push({ record, job, content })
      rows += rowCount(content)
    }
    if (batch.signal.aborted) return undefined
    buffer.add(job, entries, rows, bytes)
    schedule()
    while (isFull() && flushing !== undefined && !stopped.aborted) await flushing
    return undefined
  }

  const contentOf = (
    record: StoredRecord,
    job: Job,
  ): Content | undefined | Promise<Content | undefined> => {
    let found: Content | Promise<Content>
    try {
      found = decoded(record)
    } catch (error) {
      found = Promise.reject(error)
    }
    return found instanceof Promise ? patientContentOf(record, job, found) : found
  }

  const patientContentOf = async (
    record: StoredRecord,
    job: Job,
    first: Promise<Content>,
  ): Promise<Content | undefined> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await (attempt === 0 ? first : decoded(record))
      } catch (error) {
        if (!retriable(error)) return skip(record, job, error)
        logger.warn({ ...placeOf(record), error: messageOf(error) }, 'record not decoded yet')
        await pause(attempt, job.batch.signal)
        job.batch.signal.throwIfAborted()
      }
    }
  }

  const skip = (record: StoredRecord, job: Job, error: unknown): undefined => {
    logger.warn({ ...placeOf(record), error: messageOf(error) }, 'record skipped')
    bury(record, job, error)
  }

  const decoded = (record: StoredRecord): Content | Promise<Content> => {
    const value = record.value ?? new Uint8Array()
    if (record.topic === 'received') {
      const event = codec.decode('event', value)
      return event instanceof Promise ? event.then((event) => ({ event })) : { event }
    }
    const set = codec.decode('decisions', value)
    return set instanceof Promise ? set.then((set) => ({ set })) : { set }
  }

  const isFull = (): boolean => buffer.count >= batchRows || buffer.bytes >= batchBytes

  const schedule = (): void => {
    if (flushing !== undefined) return
    if (isFull()) flush()
    else timer ??= setTimeout(flush, isBusy ? Math.max(batchMs, busyMs) : batchMs)
  }

  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (flushing !== undefined || buffer.jobs === 0) return
    isBusy = buffer.count >= busyRows
    flushing = store(buffer.take())
      .catch((error: unknown) => {
        // What is not settled comes back from the log.
        hasGivenUp ||= stopped.aborted
        logger.error({ error: messageOf(error) }, 'decisions not stored')
      })
      .finally(() => {
        flushing = undefined
        if (buffer.jobs > 0 && !stopped.aborted) schedule()
      })
  }

  const store = async (load: Load): Promise<void> => {
    for (const entries of chunks(load.entries, batchRows)) {
      const rows: Record<DecisionTable, EntryRow[]> = { events: [], decisions: [], attempts: [] }
      for (const [index, entry] of entries.entries()) {
        if (index > 0 && index % stepEntries === 0) await turn()
        for (const { table, values } of rowsOf(sha256, entry.content, entry.record))
          rows[table].push({ values, entry })
      }
      for (const table of tableNames) if (rows[table].length > 0) await insert(table, rows[table])
    }
    settler.add(load.jobs)
  }

  /** Waits while ClickHouse cannot store; rows that it refuses are narrowed down. */
  const insert = async (table: DecisionTable, rows: readonly EntryRow[]): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await decisions.insert(
          table,
          rows.map(({ values }) => values),
        )
        metrics.sinkRows.inc({ table }, rows.length)
        if (trouble !== undefined) logger.info({ table }, 'ClickHouse stores again')
        trouble = undefined
        return
      } catch (error) {
        metrics.sinkErrors.inc()
        if (hasCode(error, 'ZENHOOK_DECISIONS_QUERY_FAILED')) return refusedRows(table, rows, error)
        const cause = isZenhookError(error)
          ? error
          : new ZenhookError('ZENHOOK_DECISIONS_UNAVAILABLE', {
              message: messageOf(error),
              cause: error,
            })
        // What is wrong may change while it lasts: a server that comes back without its tables.
        if (trouble === undefined || trouble.details.code !== cause.details.code)
          logger.warn({ table, error: cause.message }, 'ClickHouse does not store')
        trouble = cause
        if (stopped.aborted) throw cause
        await pause(attempt, stopped)
        if (isTableMissing(cause)) await ensureTables()
      }
    }
  }

  const ensureTables = async (): Promise<void> => {
    try {
      await decisions.ensureTables()
      logger.info({}, 'tables that were missing are there again')
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'missing tables cannot be made')
    }
  }

  const refusedRows = async (
    table: DecisionTable,
    rows: readonly EntryRow[],
    error: unknown,
  ): Promise<void> => {
    const [only] = rows
    if (only === undefined) return
    if (rows.length > 1) {
      const middle = rows.length >> 1
      await insert(table, rows.slice(0, middle))
      await insert(table, rows.slice(middle))
      return
    }
    const { record, job } = only.entry
    logger.error({ table, ...placeOf(record), error: messageOf(error) }, 'row refused')
    bury(record, job, error)
  }

  /**
   * Until it is done: a later load would settle past dead letters that are not in the log. Whoever owns the
   * partition once it has moved stores the same rows again.
   */
  const settle = async ({ batch, through, letters }: Job): Promise<boolean> => {
    let areWhole = true
    for (let attempt = 0; !batch.signal.aborted; attempt += 1) {
      try {
        const outputs = letters.map((letter) => deadRecord(dead, letter, areWhole))
        await batch.settle(through, outputs)
        return true
      } catch (error) {
        if (batch.signal.aborted) return false
        logger.warn({ ...placeOf(through), error: messageOf(error) }, 'progress not settled yet')
        if (stopped.aborted) return false
        if (areWhole && hasCode(error, 'ZENHOOK_LOG_RECORD_TOO_LARGE')) areWhole = false
        else await pause(attempt, AbortSignal.any([stopped, batch.signal]))
      }
    }
    return false
  }
  const settler = createSettler(settle)

  const bury = (record: StoredRecord, job: Job, error: unknown): void => {
    const letter = { record, error, at: now() }
    metrics.dead.inc({ stage: sinkGroup, code: codeOf(letter) })
    job.letters.push(letter)
  }

  const pause = async (attempt: number, signal: AbortSignal): Promise<void> => {
    const ms = Math.min(firstMs * 2 ** Math.min(attempt, 20), longestMs)
    await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)
  }

  const subscription = await log.subscribe(
    {
      group: sinkGroup,
      topics: sinkTopics,
      lingerMs: Math.min(batchMs / 2, 100),
      onGap: ({ topic, partition, offset, until, group }) => {
        metrics.gaps.inc({ group, topic }, until - offset)
        logger.error({ topic, partition, offset, until }, 'records removed before they were stored')
      },
      onError: (error) => logger.warn({ error: messageOf(error) }, 'sink subscription'),
    },
    onBatch,
  )

  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    stopping.abort()
    await flushing
    if (!hasGivenUp) flush()
    await flushing
    await atMost(lastSettleMs, settler.idle())
    await subscription.close()
  }

  return {
    ready: () => subscription.ready(),
    trouble: () => trouble,
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

const placeOf = ({ topic, partition, offset }: StoredRecord) => ({ topic, partition, offset })

const retriable = (error: unknown): error is ZenhookError =>
  isZenhookError(error) && error.retriable

const sha256: Hash = (data) => hash('sha256', data, 'hex')

const waitFor = async (signal: AbortSignal): Promise<undefined> => {
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  return undefined
}

interface EntryRow {
  values: Values
  entry: Entry
}

/** Runs of entries that make about so many rows, one at least. */
function* chunks(entries: readonly Entry[], rows: number): Generator<readonly Entry[]> {
  let from = 0
  let count = 0
  for (const [index, { content }] of entries.entries()) {
    count += rowCount(content)
    if (count < rows) continue
    yield entries.slice(from, index + 1)
    from = index + 1
    count = 0
  }
  if (from < entries.length) yield entries.slice(from)
}
