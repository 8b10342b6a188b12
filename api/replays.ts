import { createRoute, z } from '@hono/zod-openapi'
import {
  type EventReplay,
  entries,
  jobStates,
  type Replay,
  type ReplayJob,
  type ReplayPlan,
  type ReplaySpec,
} from '../core/replay/index.ts'
import type { AdminApp } from './app.ts'
import { callerOf } from './caller.ts'
import { defined, status, time } from './data.ts'
import { json, mutable, problemResponse } from './openapi.ts'
import { linkNext, pageOf, paging } from './pages.ts'
import type { ApiDependencies } from './types.ts'

export const defaultRate = 100

export const rate = z
  .number()
  .int()
  .min(1)
  .max(10_000)
  .default(defaultRate)
  .describe('at most so many a second')
export const ids = z.array(z.string().min(1).max(100)).min(1).max(1_000).optional()
export const force = z
  .boolean()
  .default(false)
  .describe('also to destinations that have it; recorded with who said so')
export const dryRun = z.boolean().default(false).describe('say what would be done, and do nothing')

const request = z
  .strictObject({
    ids,
    tenant: z.string().optional(),
    source: z.string().optional(),
    type: z.string().optional(),
    status: status.optional(),
    destination: z.string().optional().describe('events that were dispatched to it'),
    since: time.optional(),
    until: time.optional(),
    from: z
      .enum(entries)
      .optional()
      .describe('where they enter again: `start` by default, `deliver` where `to` is given'),
    to: z.string().optional().describe('straight to this destination, whatever the routes say'),
    ...{ rate, force, dryRun },
  })
  .openapi('ReplayRequest')

const progress = z.object({
  seen: z.number(),
  replayed: z.number(),
  dispatched: z.number(),
  skipped: z.record(z.string(), z.number()).describe('by reason'),
  died: z.number().describe('died in a stage again'),
  missing: z.number().describe('not retained any more, or unknown'),
  missingIds: z.array(z.string()).describe('the first 1,000'),
})

const job = z
  .object({
    id: z.string().describe('also the run of its decisions, and the header zenhook-replay'),
    kind: z.enum(['events', 'dead']),
    state: z.enum(jobStates),
    by: z.string(),
    createdAt: z.iso.datetime(),
    startedAt: z.iso.datetime().optional(),
    endedAt: z.iso.datetime().optional(),
    candidates: z.number().describe('an upper bound of what is replayed'),
    unstored: z.number().describe('events that the tables did not know when it was made'),
    progress,
    outcomes: z
      .record(z.string(), z.number())
      .optional()
      .describe('dispatches by what became of them: delivered, dead, dropped, pending'),
    error: z.string().optional(),
    spec: z.record(z.string(), z.unknown()),
  })
  .openapi('Replay')

const plan = z
  .object({
    dryRun: z.literal(true),
    candidates: z.number(),
    unstored: z.number(),
    examined: z.number().describe('looked at in full; the numbers that follow are of these'),
    ...progress.omit({ seen: true }).shape,
    sample: z.array(
      z.object({
        id: z.string(),
        tenant: z.string(),
        source: z.string(),
        type: z.string(),
        receivedAt: z.iso.datetime(),
        to: z.array(z.string()),
      }),
    ),
  })
  .openapi('ReplayPlan')

export type ShownReplay = z.infer<typeof job>
export type ShownPlan = z.infer<typeof plan>

const rfc3339 = (at: number): string => new Date(at).toISOString()
const instant = (name: 'startedAt' | 'endedAt', at: number | undefined) =>
  at === undefined ? {} : { [name]: rfc3339(at) }

const shownSpec = ({ kind: _, filter, ids, ...rest }: ReplaySpec): Record<string, unknown> => ({
  ...(ids === undefined ? {} : { ids }),
  ...filter,
  ...(filter.since === undefined ? {} : { since: rfc3339(filter.since) }),
  ...(filter.until === undefined ? {} : { until: rfc3339(filter.until) }),
  ...rest,
})

export const shownReplay = (
  { spec, createdAt, startedAt, endedAt, ...replay }: Replay,
  outcomes?: Readonly<Record<string, number>>,
): ShownReplay =>
  mutable({
    ...about(replay),
    kind: spec.kind,
    createdAt: rfc3339(createdAt),
    ...instant('startedAt', startedAt),
    ...instant('endedAt', endedAt),
    ...(outcomes === undefined ? {} : { outcomes }),
    spec: shownSpec(spec),
  })

const about = ({
  id,
  state,
  by,
  candidates,
  unstored,
  progress,
  error,
}: Omit<ReplayJob, 'createdAt' | 'startedAt' | 'endedAt'>) => ({
  ...{ id, state, by, candidates, unstored, progress },
  ...(error === undefined ? {} : { error }),
})

export const shownPlan = ({ sample, ...rest }: ReplayPlan): ShownPlan =>
  mutable({
    dryRun: true as const,
    ...rest,
    sample: sample.map((event) => ({ ...event, receivedAt: rfc3339(event.receivedAt) })),
  })

/** What a request for a replay is answered with. */
export const replayAnswers = {
  200: json(plan, 'what it would do (`dryRun`)'),
  201: json(job, 'the replay, which runs by itself'),
  400: problemResponse,
}

const specOf = (body: z.infer<typeof request>): EventReplay => {
  const { ids, from, to, rate, force, dryRun: _, ...filter } = body
  return {
    kind: 'events',
    ...(ids === undefined ? {} : { ids }),
    filter: defined(filter),
    from: from ?? (to === undefined ? 'start' : 'deliver'),
    ...(to === undefined ? {} : { to }),
    ...{ rate, force },
  }
}

const params = z.object({ id: z.string().max(100) })

/** Replays: made, watched, held and ended. */
export const replayRoutes = (app: AdminApp, { replays }: ApiDependencies): void => {
  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/replays',
      summary: 'Replay events by id, or by a filter and a range of time',
      description:
        'What the log retains goes through the chain again, as a run of its own. A destination that has an event gets it again only when it is forced.',
      request: {
        body: { required: true, content: { 'application/json': { schema: request } } },
      },
      responses: replayAnswers,
    }),
    async (c) => {
      const body = c.req.valid('json')
      const spec = specOf(body)
      if (body.dryRun) return c.json(shownPlan(await replays.plan(spec, callerOf())), 200)
      return c.json(shownReplay(await replays.create(spec, callerOf())), 201)
    },
  )
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/replays',
      summary: 'Replays of the last 30 days, newest first',
      request: { query: z.object(paging) },
      responses: {
        200: json(
          z.object({ replays: z.array(job), next: z.string().optional() }),
          'a page; `next` is the cursor of the following one, also in Link',
        ),
        400: problemResponse,
      },
    }),
    async (c) => {
      const found = await replays.list(callerOf())
      const placeOf = ({ createdAt, id }: Replay) => ({ at: createdAt, id })
      const { page, next } = pageOf(found, placeOf, c.req.valid('query'))
      linkNext(c, next)
      return c.json({ replays: page.map((each) => shownReplay(each)), ...(next && { next }) }, 200)
    },
  )
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/replays/{id}',
      summary: 'One replay: its progress, and what became of what it sent',
      request: { params },
      responses: { 200: json(job, 'the replay'), 404: problemResponse },
    }),
    async (c) => {
      const replay = await replays.get(c.req.valid('param').id, callerOf())
      return c.json(shownReplay(replay, await replays.outcomes(replay)), 200)
    },
  )
  for (const [name, summary] of [
    ['pause', 'Hold a replay after the step under way'],
    ['resume', 'Let a held replay go on'],
    ['cancel', 'End a replay; what it has sent already goes on'],
  ] as const) {
    app.openapi(
      createRoute({
        method: 'post',
        path: `/v1/replays/{id}/${name}`,
        summary,
        request: { params },
        responses: { 200: json(job, 'the replay'), 404: problemResponse, 409: problemResponse },
      }),
      async (c) =>
        c.json(shownReplay(await replays[name](c.req.valid('param').id, callerOf())), 200),
    )
  }
}
