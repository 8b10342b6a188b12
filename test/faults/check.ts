import { setTimeout as sleep } from 'node:timers/promises'
import { createKafkaLog } from '../../core/log/kafka/index.ts'
import { silentLogger } from '../../core/telemetry/index.ts'
import type { Running } from '../e2e/instance.ts'
import { type Line, markPattern } from './load.ts'
import type { FaultRig } from './rig.ts'

/** All that lies in `received`: event ids by mark, one for each record. */
export type Received = ReadonlyMap<string, readonly string[]>

export const readReceived = async ({ kafka }: FaultRig): Promise<Received> => {
  const log = createKafkaLog({ brokers: kafka.brokers, prefix: 'zenhook', logger: silentLogger })
  const found = new Map<string, string[]>()
  try {
    for (const { topic, partition, first, next } of await log.ends('received')) {
      if (first === next) continue
      for await (const record of log.read({ topic, partition, offset: first }, next)) {
        const [mark] = markPattern.exec(Buffer.from(record.value ?? []).toString('latin1')) ?? []
        if (mark !== undefined)
          found.set(mark, [...(found.get(mark) ?? []), record.headers.id ?? ''])
      }
    }
    return found
  } finally {
    await log.close()
  }
}

const query = async <T>(running: Running, sql: string): Promise<T[]> => {
  const { rows } = await running.api<{ rows: T[] }>('POST', '/v1/decisions/query', { sql })
  return rows
}

const ends = `verdict IN ('delivered', 'drop', 'dead')`

/** Ids of events with an end, and those with more ends than their one destination can have. */
const endsOf = async (running: Running): Promise<{ ended: Set<string>; twice: string[] }> => {
  const [row] = await query<{ ids: string[] }>(
    running,
    `SELECT groupUniqArray(event_id) AS ids FROM decisions FINAL WHERE ${ends}`,
  )
  const twice = await query<{ id: string }>(
    running,
    `SELECT event_id AS id FROM decisions FINAL WHERE ${ends} GROUP BY event_id HAVING count() != 1 LIMIT 20`,
  )
  return { ended: new Set(row?.ids), twice: twice.map(({ id }) => id) }
}

const flagged = async (running: Running): Promise<Set<string>> => {
  const [row] = await query<{ ids: string[] }>(
    running,
    'SELECT groupUniqArray(dispatch_id) AS ids FROM attempts FINAL WHERE possible_duplicate',
  )
  return new Set(row?.ids)
}

/** What was found of one row; every list but `acknowledged` is empty where all invariants hold. */
export interface Findings {
  sent: number
  acknowledged: number
  /** I1: answered 2xx, not in the log. */
  lost: readonly string[]
  /** I2: refused with 4xx, in the log nevertheless. */
  smuggled: readonly string[]
  /** I3: in the log without an end. */
  open: readonly string[]
  /** I3: more than one end. */
  twice: readonly string[]
  /** I6: events that the sink met under several webhook-ids, or never. */
  identities: readonly string[]
  /** I6: webhook-ids that came again without being flagged. */
  unflagged: readonly string[]
  /** Webhook-ids that came more than once, flagged or not. */
  duplicates: number
  /** Longest wait for an answer, ms. */
  worstMs: number
  statuses: Readonly<Record<string, number>>
}

const deliveriesOf = ({ sink }: FaultRig): Map<string, string[]> => {
  const byMark = new Map<string, string[]>()
  for (const { body, headers } of sink.arrivals) {
    const [mark] = markPattern.exec(body.toString('latin1')) ?? []
    if (mark === undefined) continue
    byMark.set(mark, [...(byMark.get(mark) ?? []), headers['webhook-id'] ?? ''])
  }
  return byMark
}

const isAcknowledged = ({ status }: Line): boolean => status >= 200 && status < 300

const lookAt = async (rig: FaultRig) => ({
  received: await readReceived(rig),
  ...(await endsOf(rig.running())),
})

/** Waits until every event of these requests has its end, then looks at every invariant. */
export const findingsOf = async (
  rig: FaultRig,
  lines: readonly Line[],
  drainMs: number,
): Promise<Findings> => {
  const until = performance.now() + drainMs
  const acknowledged = lines.filter(isAcknowledged)
  for (;;) {
    const seen = await lookAt(rig).catch((error: unknown) => {
      // A server that has just come back may be away for another moment.
      if (performance.now() > until) throw error
      return undefined
    })
    if (seen === undefined) {
      await sleep(500)
      continue
    }
    const { received, ended, twice } = seen
    const lost = acknowledged.filter(({ mark }) => !received.has(mark))
    const logged = lines.flatMap(({ mark }) => received.get(mark) ?? [])
    const open = logged.filter((id) => !ended.has(id))
    if ((lost.length === 0 && open.length === 0) || performance.now() > until) {
      return { ...(await finish(rig, lines, received)), ...{ open, twice } }
    }
    await sleep(500)
  }
}

const finish = async (
  rig: FaultRig,
  lines: readonly Line[],
  received: Received,
): Promise<Omit<Findings, 'open' | 'twice'>> => {
  const acknowledged = lines.filter(isAcknowledged)
  const deliveries = deliveriesOf(rig)
  const doubtful = await flagged(rig.running())
  const logged = lines.filter(({ mark }) => received.has(mark))
  const again = logged.flatMap(({ mark }) => {
    const ids = deliveries.get(mark) ?? []
    return [...new Set(ids)].filter((id) => ids.indexOf(id) !== ids.lastIndexOf(id))
  })
  const statuses: Record<string, number> = {}
  for (const { status } of lines) statuses[status] = (statuses[status] ?? 0) + 1
  return {
    sent: lines.length,
    acknowledged: acknowledged.length,
    lost: acknowledged
      .filter(({ mark, id }) => !(received.get(mark) ?? []).includes(id ?? ''))
      .map(({ mark }) => mark),
    smuggled: lines
      .filter(({ mark, status }) => status >= 400 && status < 500 && received.has(mark))
      .map(({ mark }) => mark),
    identities: logged
      .filter(({ mark }) => new Set(deliveries.get(mark)).size !== 1)
      .map(({ mark }) => mark),
    unflagged: again.filter((id) => !doubtful.has(id)),
    duplicates: again.length,
    worstMs: Math.round(Math.max(0, ...lines.map(({ sentAt, ackAt }) => ackAt - sentAt))),
    statuses,
  }
}

const sound = (found: Findings): boolean =>
  [found.lost, found.smuggled, found.open, found.twice, found.identities, found.unflagged].every(
    ({ length }) => length === 0,
  )

/** One line of the table. */
export const tell = (row: string, what: string, found: Findings): void => {
  const cells = [
    row.padEnd(5),
    what.padEnd(44),
    `sent ${found.sent}`,
    `2xx ${found.acknowledged}`,
    `lost ${found.lost.length}`,
    `dup ${found.duplicates}`,
    `worst ${found.worstMs} ms`,
    JSON.stringify(found.statuses),
    sound(found) ? 'holds' : 'BROKEN',
  ]
  process.stdout.write(`${cells.join(' | ')}\n`)
}
