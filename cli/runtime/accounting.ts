import { randomUUID, hash as sha } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AuditFilter,
  type AuditStep,
  audit,
  flowOf,
  spooledEvents,
  startAccounting,
  tellSpool,
} from '../../core/accounting/index.ts'
import type { Decisions } from '../../core/decisions/port.ts'
import { messageOf } from '../../core/errors/index.ts'
import type { Codec } from '../../core/event/codec/index.ts'
import type { Kv } from '../../core/kv/port.ts'
import type { Log } from '../../core/log/port.ts'
import { describeChain } from '../../core/stage/topology.ts'
import type { Logger, Metrics } from '../../core/telemetry/index.ts'
import type { Engines } from '../engines.ts'
import type { Settings } from '../settings.ts'

const flow = (log: Log) =>
  flowOf([describeChain('fused').links, describeChain('split').links], log.capabilities)

export interface AccountingParts {
  engines: Engines
  codec: Codec
  settings: Settings
  metrics: Metrics
  logger: Logger
}

/** Accounts for all events, where no other process of the deployment does. */
export const openAccounting = (
  { engines: { log, kv }, codec, settings, metrics, logger }: AccountingParts,
  decisions: Decisions,
) =>
  startAccounting({
    ...{ log, kv, codec, decisions, metrics },
    ...settings.audit,
    flow: flow(log),
    logger: logger.child({ part: 'accounting' }),
    owner: randomUUID(),
    now: Date.now,
  })

/** What `zenhook audit` asks: the same, of a range, now. */
export const auditOf =
  (
    { engines: { log, kv }, codec, settings }: Omit<AccountingParts, 'metrics' | 'logger'>,
    decisions: Decisions,
  ) =>
  (filter: AuditFilter, signal: AbortSignal): AsyncIterable<AuditStep> =>
    audit(
      {
        ...{ log, codec, decisions, signal },
        flow: flow(log),
        graceMs: settings.audit.graceMs,
        now: Date.now,
        spooled: () => spooledEvents(kv),
      },
      filter,
    )

const tellEveryMs = 5_000

/** Says in keyed state what waits in the spool of this process; gives a function that says it for the last time. */
export const shareSpool = (
  kv: Kv,
  spool: { stats(): { records: number } },
  dataDir: string,
  logger: Logger,
): (() => Promise<void>) => {
  const name = sha('sha256', `${hostname()}:${dataDir}`, 'hex').slice(0, 16)
  const stopping = new AbortController()
  const { signal } = stopping
  // What it said before a crash may still stand.
  let told = -1
  const tell = async (): Promise<void> => {
    const { records } = spool.stats()
    if (records === told) return
    await tellSpool(kv, name, { records, at: Date.now() })
    told = records
  }
  const tried = (): Promise<void> =>
    tell().catch((error: unknown) =>
      logger.debug({ error: messageOf(error) }, 'nobody learns now what waits in the spool'),
    )
  const telling = (async () => {
    while (!signal.aborted) {
      await tried()
      await sleep(tellEveryMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  })()
  return async () => {
    stopping.abort()
    await telling
    await tried()
  }
}
