import { setTimeout as sleep } from 'node:timers/promises'
import { deliveryOf, idAt } from './messages.ts'

export interface Decided {
  /** Ids whose newest decision of every dispatch is `delivered`. */
  delivered: ReadonlySet<string>
  /** How long the tables took to hold all of them, ms. */
  tookMs: number
}

const limitMs = 20_000

/** What the decision tables say about the events of a run, once they are complete or the time is up. */
export const decidedOf = async (
  query: (sql: string) => Promise<readonly Record<string, unknown>[]>,
  { run, firstAt, accepted }: { run: string; firstAt: number; accepted: number },
): Promise<Decided> => {
  // Nothing of a run was received before it began; the clock of a row has whole milliseconds.
  const since = new Date(firstAt - 1_000).toISOString().replace('T', ' ').replace('Z', '')
  const first = deliveryOf(idAt(run, 0))
  const last = deliveryOf(idAt(run, 0xffff_ffff))
  const events = `SELECT id, delivery_id FROM events WHERE received_at >= '${since}' AND delivery_id >= '${first}' AND delivery_id <= '${last}'`
  const dispatches = `SELECT event_id, dispatch_id, argMax(verdict, tuple(stage = 'deliver', at, attempt)) AS verdict FROM decisions WHERE received_at >= '${since}' AND dispatch_id != '' GROUP BY event_id, dispatch_id`
  const ends = `SELECT event_id FROM (${dispatches}) GROUP BY event_id HAVING countIf(verdict = 'delivered') = count()`
  const began = Date.now()
  for (;;) {
    const [row] = await query(
      `SELECT count() AS n FROM (${events}) AS e INNER JOIN (${ends}) AS d ON e.id = d.event_id`,
    )
    const tookMs = Date.now() - began
    if (Number(row?.n) >= accepted || tookMs > limitMs) {
      const rows = await query(
        `SELECT e.delivery_id AS delivery FROM (${events}) AS e INNER JOIN (${ends}) AS d ON e.id = d.event_id`,
      )
      const delivered = rows.map(({ delivery }) => String(delivery).replaceAll('-', ''))
      return { delivered: new Set(delivered), tookMs }
    }
    await sleep(500)
  }
}
