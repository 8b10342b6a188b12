import { createRoute, z } from '@hono/zod-openapi'
import { parseDuration } from '../core/config/units.ts'
import { listDecisions } from '../core/decisions/list-decisions.ts'
import { eventStatuses, listEvents, type Story, story } from '../core/decisions/story.ts'
import { isZenhookError, ZenhookError } from '../core/errors/index.ts'
import type { Event } from '../core/event/index.ts'
import type { AdminApp } from './app.ts'
import { json, mutable, problemResponse } from './openapi.ts'
import { linkNext } from './pages.ts'
import type { ApiDependencies } from './types.ts'

/** A time of a filter, given as ms. */
export const time = z
  .string()
  .transform((text, context): number => {
    const at = Date.parse(text)
    if (/^\d{4}-/.test(text) && !Number.isNaN(at)) return at
    const age = parseDuration(text)
    // Nothing is older than 1970, and dates end some 270,000 years before.
    if (age !== undefined) return Math.max(0, Date.now() - age)
    context.addIssue({ code: 'custom', message: 'RFC 3339, or an age such as 10m' })
    return z.NEVER
  })
  .openapi({ type: 'string', description: 'RFC 3339, or an age such as 10m' })

const filter = z.object({
  tenant: z.string().optional(),
  source: z.string().optional(),
  type: z.string().optional(),
  since: time.optional(),
  until: time.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(50),
})

export const status = z.enum(eventStatuses as [(typeof eventStatuses)[number]])

const summary = z
  .object({
    id: z.string(),
    tenant: z.string(),
    source: z.string(),
    type: z.string(),
    receivedAt: z.iso.datetime(),
    status,
  })
  .openapi('EventSummary')

const decision = z
  .object({
    stage: z.string(),
    verdict: z.string(),
    reason: z.string(),
    at: z.iso.datetime(),
    tookMs: z.number(),
    run: z.string(),
    score: z.number().optional(),
    model: z.string().optional(),
    route: z.string().optional(),
    destination: z.string().optional(),
    dispatchId: z.string().optional(),
    attempt: z.number().optional(),
    details: z.record(z.string(), z.unknown()),
  })
  .openapi('Decision')

/** One row of the decision table, by the names of its columns. */
const decisionRow = z
  .object({
    tenant: z.string(),
    event_id: z.string(),
    decision_id: z.string(),
    stage: z.string(),
    verdict: z.string(),
    reason: z.string(),
    score: z.number().nullable(),
    model: z.string().describe('empty where none gave a score'),
    route: z.string().describe('empty before routing'),
    destination: z.string().describe('empty before routing'),
    attempt: z.number().describe('of a delivery, from 1; 0 elsewhere'),
    at: z.iso.datetime(),
    took_ms: z.number(),
    details: z.record(z.string(), z.unknown()),
    source: z.string(),
    type: z.string(),
    received_at: z.iso.datetime(),
    run: z.string().describe('`live`, or the id of a replay'),
    dispatch_id: z.string().describe('empty before routing'),
  })
  .openapi('DecisionRow')

const attempt = z.object({
  attempt: z.number(),
  at: z.iso.datetime(),
  status: z.number().nullable(),
  outcome: z.string(),
  tookMs: z.number(),
  error: z.string().optional(),
  externalId: z.string().optional(),
  possibleDuplicate: z.boolean().optional(),
})

const event = summary
  .extend({
    provider: z.string().optional(),
    deliveryId: z.string().optional(),
    dedupeKey: z.string().optional(),
    contentType: z.string().optional(),
    size: z.number().optional(),
    scheme: z.string().optional(),
    traceparent: z.string().optional(),
    position: z.object({ topic: z.string(), partition: z.number(), offset: z.number() }).optional(),
    headers: z.record(z.string(), z.string()).optional(),
    data: z
      .unknown()
      .optional()
      .describe('the parsed body; absent once the log no longer retains the event'),
    raw: z.string().optional().describe('the body as it was verified, base64'),
    decisions: z.array(decision),
    dispatches: z.array(
      z.object({
        id: z.string(),
        destination: z.string(),
        route: z.string(),
        run: z.string(),
        status: z.string(),
        attempts: z.array(attempt),
      }),
    ),
  })
  .openapi('Event')

/** The event itself, read back from the log; `undefined` once retention has removed it. */
const stored = async (
  { log, codec, logger }: ApiDependencies,
  { position, id }: Story,
): Promise<Event | undefined> => {
  if (position === undefined) return undefined
  try {
    for await (const record of log.read(position, position.offset + 1)) {
      const found = record.value === null ? undefined : await codec.decode('event', record.value)
      return found?.id === id ? found : undefined
    }
  } catch (error) {
    if (!isZenhookError(error) || !error.retriable) throw error
    logger.warn({ id, error: error.message }, 'the event cannot be read back from the log')
  }
  return undefined
}

/** Events with their stories, and the decision tables. */
export const dataRoutes = (app: AdminApp, deps: ApiDependencies): void => {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/events',
      summary: 'Events, newest first',
      request: {
        query: filter.extend({
          status: status.optional(),
          decidedSince: time.optional(),
          cursor: z.string().optional(),
        }),
      },
      responses: {
        200: json(
          z.object({ events: z.array(summary), next: z.string().optional() }),
          'a page; `next` is the cursor of the following one, also in Link',
        ),
        400: problemResponse,
      },
    }),
    async (c) => {
      const page = await listEvents(deps.decisions, defined(c.req.valid('query')))
      linkNext(c, page.next)
      return c.json(mutable(page), 200)
    },
  )
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/events/{id}',
      summary: 'One event: its data, every decision, every attempt',
      request: { params: z.object({ id: z.string().max(100) }) },
      responses: { 200: json(event, 'the whole story'), 404: problemResponse },
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      const told = await story(deps.decisions, id)
      if (told === undefined) {
        throw new ZenhookError('ZENHOOK_API_NOT_FOUND', {
          message: `There is no event ${id}`,
          fix: 'Check the id; a new event can be seen a moment after its 202',
        })
      }
      const found = await stored(deps, told)
      const body = {
        ...told,
        ...(found === undefined
          ? {}
          : {
              headers: found.headers,
              data: found.data,
              raw: Buffer.from(found.raw).toString('base64'),
            }),
      }
      return c.json(mutable(body), 200)
    },
  )
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/decisions',
      summary: 'Decisions, newest first',
      request: {
        query: filter.extend({
          event: z.string().optional(),
          stage: z.string().optional(),
          verdict: z.string().optional(),
          cursor: z.string().optional(),
        }),
      },
      responses: {
        200: json(
          z.object({
            decisions: z.array(decisionRow),
            next: z.string().optional(),
          }),
          'a page of rows; `next` is the cursor of the following one, also in Link',
        ),
        400: problemResponse,
      },
    }),
    async (c) => {
      const page = await listDecisions(deps.decisions, defined(c.req.valid('query')))
      linkNext(c, page.next)
      return c.json(mutable(page), 200)
    },
  )
  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/decisions/query',
      summary: 'A SELECT over events, decisions and attempts',
      request: {
        body: {
          required: true,
          content: { 'application/json': { schema: z.strictObject({ sql: z.string() }) } },
        },
      },
      responses: {
        200: json(z.object({ rows: z.array(z.record(z.string(), z.unknown())) }), 'rows'),
        400: problemResponse,
      },
    }),
    async (c) => {
      const rows = await deps.decisions.query(c.req.valid('json').sql)
      return c.json({ rows: mutable(rows) }, 200)
    },
  )
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** Without the fields that were not given. */
export const defined = <T extends object>(object: T): Defined<T> =>
  Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as Defined<T>
