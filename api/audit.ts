import { createRoute, z } from '@hono/zod-openapi'
import type { TypedResponse } from 'hono'
import type { AuditStep } from '../core/accounting/index.ts'
import { isZenhookError, messageOf, ZenhookError } from '../core/errors/index.ts'
import type { AdminApp } from './app.ts'
import { defined, time } from './data.ts'
import { problemResponse } from './openapi.ts'
import type { ApiDependencies } from './types.ts'

const position = z.object({ topic: z.string(), partition: z.number(), offset: z.number() })

const unaccounted = z
  .object({
    id: z.string(),
    tenant: z.string(),
    source: z.string(),
    run: z.string(),
    receivedAt: z.iso.datetime(),
    position,
    cause: z.enum(['undecided', 'dispatch_lost', 'retry_lost', 'contradiction']),
    dispatches: z.array(z.string()),
  })
  .openapi('UnaccountedEvent')

const report = z
  .object({
    events: z.number().describe('of the range, copies counted once'),
    ended: z.object({
      delivered: z.number(),
      partial: z.number(),
      dropped: z.number(),
      dead: z.number(),
    }),
    open: z.object({
      pending: z.number().describe('young, or what would prove their end is behind'),
      retrying: z.number(),
      waiting: z.number(),
      spooled: z.number().describe('accepted, in the spool of an ingress; of all ranges'),
    }),
    unaccounted: z.number(),
    gaps: z
      .array(position.extend({ until: z.number() }))
      .describe('offsets of received that are gone and may have been of the range'),
    behind: z.object({ group: z.string(), topic: z.string() }).optional(),
    tookMs: z.number(),
  })
  .openapi('AuditReport')

const line = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('progress'), read: z.number(), of: z.number() }),
    z.object({ kind: z.literal('unaccounted'), event: unaccounted }),
    z.object({ kind: z.literal('report'), report }),
    z.object({ kind: z.literal('error'), code: z.string(), message: z.string() }),
  ])
  .openapi('AuditLine')

export type AuditLine = z.infer<typeof line>

const linesType = 'application/jsonl'
const encoder = new TextEncoder()
const encoded = (value: object): Uint8Array => encoder.encode(`${JSON.stringify(value)}\n`)

/** Accounts for the events of a range, line by line: a long one is told while it goes on. */
export const auditRoutes = (app: AdminApp, deps: ApiDependencies): void => {
  let busy = false
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/audit',
      summary: 'Account for every accepted event of a range',
      description:
        'One JSON object a line: progress, each event that is unaccounted for as it is found, and the report at last (or an error, where it could not be finished). One at a time.',
      request: {
        query: z.object({
          tenant: z.string().optional(),
          source: z.string().optional(),
          since: time.optional(),
          until: time.optional(),
        }),
      },
      responses: {
        200: {
          description: 'lines; the last one is the report',
          content: { [linesType]: { schema: line } },
        },
        400: problemResponse,
        503: problemResponse,
      },
    }),
    async (c) => {
      // Nobody would read the lines of it, nor ever end it.
      if (c.req.raw.method === 'HEAD') return answerOf(null)
      if (busy) {
        throw new ZenhookError('ZENHOOK_API_UNAVAILABLE', {
          message: 'Another audit is under way in this process',
          fix: 'Wait for it, or ask another process of the role api',
          retriable: true,
        })
      }
      const stopping = new AbortController()
      const signal = AbortSignal.any([stopping.signal, c.req.raw.signal])
      const steps = deps.audit(defined(c.req.valid('query')), signal)[Symbol.asyncIterator]()
      busy = true
      let finished = false
      const finish = async (): Promise<void> => {
        if (finished) return
        finished = true
        stopping.abort()
        await steps.return?.().catch(() => undefined)
        busy = false
      }
      // What cannot even begin is a plain refusal.
      const first = await steps.next().catch(async (error: unknown) => {
        await finish()
        throw error
      })
      return answerOf(streamed(steps, first, finish))
    },
  )
}

/** The router knows of documents alone: this one is as many as there are lines. */
const answerOf = (body: ReadableStream<Uint8Array> | null) =>
  new Response(body, { headers: { 'content-type': linesType } }) as Response &
    TypedResponse<AuditLine, 200, 'json'>

const streamed = (
  steps: AsyncIterator<AuditStep>,
  first: IteratorResult<AuditStep>,
  finish: () => Promise<void>,
): ReadableStream<Uint8Array> => {
  let next: IteratorResult<AuditStep> | undefined = first
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const step = next ?? (await steps.next())
        next = undefined
        if (step.done !== true) return controller.enqueue(encoded(step.value))
      } catch (error) {
        const code = isZenhookError(error) ? error.code : 'ZENHOOK_API_INTERNAL'
        controller.enqueue(encoded({ kind: 'error', code, message: messageOf(error) }))
      }
      await finish()
      controller.close()
    },
    cancel: finish,
  })
}
