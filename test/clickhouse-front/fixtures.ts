import type { Decisions, DecisionTable, Row } from '../../core/decisions/port.ts'
import { columns } from '../../core/decisions/tables.ts'
import { createFileSchemas } from '../../core/event/codec/files/index.ts'
import { type Codec, createCodec } from '../../core/event/codec/index.ts'
import { type Decision, type DecisionSet, makeEvent } from '../../core/event/index.ts'
import type { NewRecord } from '../../core/log/port.ts'

/** Records of an event as the sink reads them, and a store that can be made to fail. */
export const codec: Codec = await createCodec({ schemas: await createFileSchemas() })
export const receivedAt = Date.UTC(2026, 2, 1)

export const received = (
  id: string,
  over: Partial<NewRecord> = {},
  body = '{"a":1}',
): NewRecord => ({
  topic: 'received',
  key: id,
  value: codec.encode(
    'event',
    makeEvent({
      id,
      tenant: 'acme',
      source: 'github',
      provider: 'github',
      type: 'push',
      key: id,
      dedupeKey: id,
      dedupeWindowMs: 1,
      receivedAt,
      contentType: 'application/json',
      headers: {},
      raw: new TextEncoder().encode(body),
      facts: {},
      verification: { scheme: 'hmac', bodyCovered: true, idCovered: true },
    }),
  ),
  headers: { id, tenant: 'acme', source: 'github' },
  ...over,
})

export const made = (stage: string, over: Partial<Decision> = {}): Decision => ({
  id: `${stage}-${over.dispatchId ?? ''}-${over.attempt ?? 0}`,
  stage,
  verdict: 'pass',
  reason: 'ok',
  at: receivedAt + 10,
  tookMs: 0.5,
  details: {},
  ...over,
})

export const decided = (
  eventId: string,
  decisions: readonly Decision[],
  run = 'live',
): NewRecord => {
  const set: DecisionSet = {
    tenant: 'acme',
    source: 'github',
    eventId,
    type: 'push',
    receivedAt,
    run,
    decisions: decisions.map((one) => ({ ...one, id: `${eventId}/${run}/${one.id}` })),
  }
  return { topic: 'decisions', key: eventId, value: codec.encode('decisions', set) }
}

export const deliver = (attempt: number, over: Partial<Decision>): Decision =>
  made('deliver', { dispatchId: 'dsp', destination: 'oncall', attempt, ...over })

/** A store in memory that can fail, for what the engine need not be real for. */
export const createFakeDecisions = (
  fail: (table: DecisionTable, rows: readonly Row[]) => unknown,
) => {
  const stored: { table: DecisionTable; row: Row }[] = []
  const inserts: { table: DecisionTable; rows: number }[] = []
  const decisions: Decisions = {
    engine: 'chdb',
    ensureTables: async () => undefined,
    insert: async (table, values) => {
      const rows = values.map(
        (row): Row => Object.fromEntries(columns[table].map((name, index) => [name, row[index]])),
      )
      const error = fail(table, rows)
      if (error !== undefined) throw error
      inserts.push({ table, rows: rows.length })
      for (const row of rows) stored.push({ table, row })
    },
    query: async () => [],
    select: async () => [],
    ping: async () => ({ version: '1' }),
    close: async () => undefined,
  }
  return { decisions, stored, inserts }
}
