import { defineConnector } from '../define.ts'
import { clipped, objectOf, type Summary, summaryOf } from '../facts.ts'
import { createLinks, findLinked, makeLinked, noted } from '../links.ts'
import type { Attempt, AttemptResult, ConnectorContext } from '../types.ts'
import { createAuth } from './auth.ts'
import {
  createTableClient,
  type Fields,
  type Outcome,
  type Row,
  type TableClient,
} from './client.ts'
import { servicenowSpec } from './spec.ts'

export { queryValue } from './client.ts'
export { servicenowSpec } from './spec.ts'

// States of the incident table.
const inProgress = '2'
const resolved = '6'
const overStates = new Set([resolved, '7', '8'])

const priorities: Readonly<Record<string, Fields>> = {
  critical: { impact: '1', urgency: '1' },
  high: { impact: '2', urgency: '1' },
  medium: { impact: '2', urgency: '2' },
}
const lowPriority: Fields = { impact: '3', urgency: '3' }

const noteOf = (attempt: Attempt, { title, severity, status, resource, url }: Summary): string => {
  if (typeof attempt.transformed === 'string') return clipped(attempt.transformed, 4_000)
  const { event, id } = attempt.dispatch
  return [
    clipped(title, 1_000),
    `Severity: ${severity}. Status: ${status}.`,
    clipped(resource, 1_000),
    url,
    `Event ${event.id}, dispatch ${id}`,
  ]
    .filter((line) => line !== '')
    .join('\n')
}

/** A transform gives fields; only text makes sense in a record. */
const madeFields = ({ transformed }: Attempt): Fields =>
  Object.fromEntries(
    Object.entries(objectOf(transformed) ?? {}).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? [[name, String(value)]]
        : [],
    ),
  )

/** Incidents in ServiceNow, one per fingerprint. */
export const servicenow = defineConnector(servicenowSpec, (config, { destination, kv, now }) => {
  const { tenant, name } = destination
  const address = config.baseUrl ?? `https://${config.instance ?? ''}.service-now.com`
  const root = address.replace(/\/+$/, '')
  const links = createLinks(kv, `servicenow:${tenant}/${name}`, now)
  const auth = createAuth(root)

  const newFields = (attempt: Attempt, summary: Summary, correlationId: string): Fields => ({
    short_description: clipped(summary.title.replace(/\s+/g, ' '), 160),
    description: noteOf(attempt, summary),
    ...(priorities[summary.severity] ?? lowPriority),
    ...config.fields,
    ...madeFields(attempt),
    correlation_id: correlationId,
    correlation_display: 'Zenhook',
  })

  const changes = (
    attempt: Attempt,
    summary: Summary,
    row: Row,
  ): { action: string; fields: Fields } => {
    const note = noteOf(attempt, summary)
    const over = overStates.has(row.state)
    if (summary.over && !over) {
      const fields = { state: resolved, close_code: config.closeCode, close_notes: note }
      return { action: 'resolved', fields }
    }
    if (!summary.over && over) {
      return { action: 'reopened', fields: { state: inProgress, work_notes: note } }
    }
    return { action: 'noted', fields: { ...madeFields(attempt), work_notes: note } }
  }

  const find = async (
    client: TableClient,
    known: string | undefined,
    correlationId: string,
  ): Promise<Outcome<Row | undefined>> => {
    if (known !== undefined) {
      const seen = await client.get(known)
      if ('failed' in seen || seen.ok !== undefined) return seen
    }
    return client.search(correlationId)
  }

  const deliver = async (
    attempt: Attempt,
    signal: AbortSignal,
    context: ConnectorContext,
  ): Promise<AttemptResult> => {
    const { dispatch } = attempt
    const client = createTableClient(context, root, config.table, auth, signal)
    const summary = summaryOf(attempt)
    const correlationId = `zenhook-${context.hash(summary.fingerprint).slice(0, 32)}`

    const wanted = { owner: dispatch.id, makes: !summary.over }
    const linked = await findLinked(links, correlationId, wanted, context, signal, (known) =>
      find(client, known, correlationId),
    )
    if ('failed' in linked) return linked.failed
    const { found: row, taken } = linked
    if (row === undefined && taken.id !== undefined) {
      // Deleted, or hidden from the account in a way that nothing tells of: the link stays.
      return { kind: 'delivered', externalId: taken.id, details: { action: 'gone' } }
    }
    if (row === undefined && summary.over) {
      await links.release(correlationId, taken)
      return { kind: 'delivered', details: { action: 'none' } }
    }
    if (row === undefined) {
      const made = await makeLinked(links, correlationId, taken, () =>
        client.create(newFields(attempt, summary, correlationId)),
      )
      if ('failed' in made) return made.failed
      const { status, ok } = made
      const mark = await noted(async () => {
        if (ok !== undefined) await links.bind(correlationId, ok.sysId, taken)
        await links.done(attempt, 'update')
      })
      const created = { kind: 'delivered', status, ...mark } as const
      if (ok === undefined) return { ...created, details: { action: 'created' } }
      const details = { action: 'created', number: ok.number }
      return { ...created, externalId: ok.sysId, details }
    }
    if (row.sysId !== taken.id) await links.bind(correlationId, row.sysId, taken)
    const externalId = row.sysId
    // An earlier attempt came this far: a second note would say the same twice.
    if (await links.isDone(attempt, 'update')) {
      return { kind: 'delivered', externalId, details: { action: 'none', number: row.number } }
    }
    const { action, fields } = changes(attempt, summary, row)
    const updated = await client.update(externalId, fields)
    if ('failed' in updated) return updated.failed
    const mark = await noted(() => links.done(attempt, 'update'))
    const details = { action, number: row.number }
    return { kind: 'delivered', status: updated.status, ...mark, externalId, details }
  }

  return { deliver }
})
