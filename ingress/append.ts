import { hasCode, isZenhookError, messageOf, ZenhookError } from '../core/errors/index.ts'
import type { Log, NewRecord } from '../core/log/port.ts'
import { type Logger, silentLogger } from '../core/telemetry/index.ts'
import { startDrain } from './spool/drain.ts'
import type { Spool } from './spool/spool.ts'

export interface AppenderOptions {
  log: Pick<Log, 'append'>
  /** Off where absent: then an append that fails is the answer. */
  spool?: Spool
  logger?: Logger
  drainPerSecond?: number
  /** Kept elsewhere before it resolves: the log will never take this record. */
  onRejected?: (record: NewRecord, error: unknown) => Promise<void>
}

export type Appended = 'log' | 'spool'

export interface Appender {
  /**
   * Resolves once the record is durable, in the log or in the spool, within about `holdMs`.
   * Rejects with ZENHOOK_LOG_RECORD_TOO_LARGE (surely not stored), or with ZENHOOK_INGRESS_UNAVAILABLE,
   * whose details say `unknown: true` where the record may be in the log nevertheless.
   */
  append(record: NewRecord, holdMs: number): Promise<Appended>
  /** False while appends are known to fail: events then go to the spool at once. */
  up(): boolean
  close(): Promise<void>
}

type Outcome = 'stored' | 'failed' | 'overdue'

/** While the log is away one request asks it every so often: what drains may wait for a partition that others do not need. */
const probeMs = 2_000

export const createAppender = (options: AppenderOptions): Appender => {
  const { log, spool, logger = silentLogger } = options
  let up = true
  let lastSuccess = Number.NEGATIVE_INFINITY
  let probedAt = Number.NEGATIVE_INFINITY

  const succeeded = (): void => {
    lastSuccess = performance.now()
    if (!up) logger.info({}, 'the log takes records again')
    up = true
  }
  /** Unless others got through since: one partition that is stuck is not an absent log. */
  const doubt = (since: number, reason: string): void => {
    if (spool === undefined || lastSuccess >= since) return
    if (up) {
      logger.warn({ reason }, 'the log is away: events go to the spool')
      probedAt = performance.now()
    }
    up = false
  }
  const mayTry = (): boolean => {
    if (up) return true
    const now = performance.now()
    if (now - probedAt < probeMs) return false
    probedAt = now
    return true
  }

  const toLog = (record: NewRecord, holdMs: number): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      const startedAt = performance.now()
      const timer = setTimeout(() => {
        doubt(startedAt, `no answer in ${holdMs} ms`)
        resolve('overdue')
      }, holdMs)
      log.append([record]).then(
        () => {
          clearTimeout(timer)
          succeeded()
          resolve('stored')
        },
        (error: unknown) => {
          clearTimeout(timer)
          if (hasCode(error, 'ZENHOOK_LOG_RECORD_TOO_LARGE')) return reject(error)
          doubt(startedAt, messageOf(error))
          resolve('failed')
        },
      )
    })

  const toSpool = async (
    store: Spool | undefined,
    record: NewRecord,
    unknown: boolean,
  ): Promise<Appended> => {
    const unavailable = (cause: unknown): ZenhookError =>
      new ZenhookError('ZENHOOK_INGRESS_UNAVAILABLE', {
        retriable: true,
        details: { unknown: unknown || (isZenhookError(cause) && cause.details.unknown === true) },
        cause,
      })
    if (store === undefined) throw unavailable(undefined)
    try {
      await store.write(record)
      return 'spool'
    } catch (error) {
      throw unavailable(error)
    }
  }

  const drain =
    spool === undefined
      ? undefined
      : startDrain({
          spool,
          logger,
          ...(options.drainPerSecond === undefined ? {} : { maxPerSecond: options.drainPerSecond }),
          append: async (records) => {
            await log.append(records)
            succeeded()
          },
          onRejected: options.onRejected ?? (() => Promise.resolve()),
        })

  return {
    async append(record, holdMs) {
      if (spool !== undefined && (spool.holds(record.key) || !mayTry())) {
        try {
          return await toSpool(spool, record, false)
        } catch (error) {
          // While records wait, the drain asks the log; otherwise this request has to.
          if (spool.stats().records > 0) throw error
        }
      }
      const outcome = await toLog(record, holdMs)
      return outcome === 'stored' ? 'log' : toSpool(spool, record, true)
    },
    up: () => up,
    async close() {
      await drain?.close()
    },
  }
}
