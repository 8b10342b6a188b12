import { createRoute, z } from '@hono/zod-openapi'
import { ZenhookError } from '../core/errors/index.ts'
import {
  type Cause,
  causesOf,
  type DeadFilter,
  type Letter,
  letterStates,
} from '../core/replay/index.ts'
import type { AdminApp } from './app.ts'
import { callerOf } from './caller.ts'
import { defined, time } from './data.ts'
import { json, mutable, problemResponse } from './openapi.ts'
import { linkNext, pageOf, paging } from './pages.ts'
import { dryRun, force, ids, rate, replayAnswers, shownPlan, shownReplay } from './replays.ts'
import type { ApiDependencies } from './types.ts'

const deadLetter = z
  .object({
    id: z.string(),
    tenant: z.string(),
    source: z.string(),
    eventId: z.string(),
    dispatchId: z.string().optional(),
    destination: z.string().optional(),
    stage: z.string(),
    code: z.string(),
    message: z.string(),
    at: z.iso.datetime(),
    state: z.enum(letterStates),
    replays: z.number().describe('how often it had been replayed when it died'),
    seenTo: z
      .object({
        by: z.string(),
        at: z.iso.datetime(),
        reason: z.string().optional(),
        replay: z.string().optional(),
      })
      .optional()
      .describe('who replayed or discarded it'),
    origin: z.object({ topic: z.string(), partition: z.number(), offset: z.number() }),
    originHeaders: z.record(z.string(), z.string()),
    original: z.string().optional().describe('base64; only of a single letter'),
  })
  .openapi('DeadLetter')

const cause = z
  .object({
    tenant: z.string(),
    destination: z.string().optional(),
    stage: z.string(),
    code: z.string(),
    count: z.number(),
    message: z.string().describe('of the newest'),
    oldest: z.iso.datetime(),
    newest: z.iso.datetime(),
  })
  .openapi('DeadCause')

export type DeadLetter = z.infer<typeof deadLetter>
export type DeadCause = z.infer<typeof cause>

const which = {
  tenant: z.string().optional(),
  source: z.string().optional(),
  destination: z.string().optional(),
  stage: z.string().optional(),
  code: z.string().optional().describe('the cause'),
  since: time.optional(),
  until: time.optional(),
}
const filter = z.object({
  ...which,
  state: z.enum([...letterStates, 'all']).default('open'),
})

const discarded = z
  .object({
    discarded: z.array(z.string()),
    refused: z.array(z.object({ id: z.string(), why: z.string() })),
    more: z.boolean().describe('others fit: once more will reach them'),
  })
  .openapi('Discarded')
export type ShownDiscarded = z.infer<typeof discarded>

const rfc3339 = (at: number): string => new Date(at).toISOString()

const shown = ({ dead, state, replays, mark }: Letter, whole = false): DeadLetter =>
  mutable({
    id: dead.id,
    tenant: dead.tenant,
    source: dead.source,
    eventId: dead.eventId,
    ...(dead.dispatchId === undefined ? {} : { dispatchId: dead.dispatchId }),
    ...(dead.destination === undefined ? {} : { destination: dead.destination }),
    stage: dead.stage,
    code: dead.code,
    message: dead.message,
    at: rfc3339(dead.at),
    ...{ state, replays },
    ...(mark === undefined
      ? {}
      : {
          seenTo: {
            by: mark.by,
            at: rfc3339(mark.at),
            ...(mark.reason === undefined ? {} : { reason: mark.reason }),
            ...(mark.replay === undefined ? {} : { replay: mark.replay }),
          },
        }),
    origin: dead.origin,
    originHeaders: dead.originHeaders,
    ...(whole ? { original: Buffer.from(dead.original).toString('base64') } : {}),
  })

const shownCause = ({ oldest, newest, ...rest }: Cause): DeadCause => ({
  ...rest,
  oldest: rfc3339(oldest),
  newest: rfc3339(newest),
})

/** What a change is asked for: ids, or a filter, or everything by saying so. */
const targets = z.strictObject({
  ids,
  ...which,
  all: z.boolean().default(false).describe('every open letter, where nothing narrows it down'),
})

/** Rejects what names nothing: everything is to be said. */
const targetsOf = <T extends z.infer<typeof targets>>({
  ids,
  all,
  ...rest
}: T): { ids?: readonly string[]; filter: DeadFilter } => {
  const { tenant, source, destination, stage, code, since, until } = rest
  const found: DeadFilter = defined({ tenant, source, destination, stage, code, since, until })
  if (ids === undefined && !all && Object.keys(found).length === 0) {
    throw new ZenhookError('ZENHOOK_REPLAY_INVALID', {
      message: 'Nothing says which dead letters are meant',
      fix: 'Name ids, or a filter such as code and destination, or say all',
    })
  }
  return { ...(ids === undefined ? {} : { ids }), filter: found }
}

/** Dead letters: seen, grouped, replayed, given up. */
export const deadRoutes = (app: AdminApp, { replays }: ApiDependencies): void => {
  const letters = async ({ state, ...wanted }: z.infer<typeof filter>) => {
    const { letters: found, more } = await replays.letters(defined(wanted), callerOf())
    return {
      found: state === 'all' ? found : found.filter((letter) => letter.state === state),
      more,
    }
  }
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/dead',
      summary: 'Dead letters, newest first; the open ones by default',
      request: {
        query: filter.extend(paging),
      },
      responses: {
        200: json(
          z.object({ dead: z.array(deadLetter), more: z.boolean(), next: z.string().optional() }),
          'dead letters; `more`: others follow, or older ones were not looked at; `next`: cursor of the next page',
        ),
        400: problemResponse,
      },
    }),
    async (c) => {
      const { limit, cursor, ...wanted } = c.req.valid('query')
      const { found, more } = await letters(wanted)
      const { page, next } = pageOf(found, ({ dead }) => dead, { limit, cursor })
      linkNext(c, next)
      const dead = page.map((letter) => shown(letter))
      return c.json({ dead, more: more || next !== undefined, ...(next && { next }) }, 200)
    },
  )
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/dead/causes',
      summary: 'Dead letters by cause: tenant, destination, stage and code',
      request: { query: filter },
      responses: {
        200: json(z.object({ causes: z.array(cause), more: z.boolean() }), 'the largest first'),
      },
    }),
    async (c) => {
      const { found, more } = await letters(c.req.valid('query'))
      return c.json({ causes: causesOf(found).map(shownCause), more }, 200)
    },
  )
  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/dead/replay',
      summary: 'Replay open dead letters, as a job',
      description:
        'A letter that dies again is a letter with its count of replays; after five it is replayed only when it is forced.',
      request: {
        body: {
          required: true,
          content: {
            'application/json': {
              schema: targets.extend({ rate, force, dryRun }).openapi('DeadReplayRequest'),
            },
          },
        },
      },
      responses: replayAnswers,
    }),
    async (c) => {
      const { rate, force, dryRun, ...rest } = c.req.valid('json')
      const spec = { kind: 'dead' as const, ...targetsOf(rest), rate, force }
      if (dryRun) return c.json(shownPlan(await replays.plan(spec, callerOf())), 200)
      return c.json(shownReplay(await replays.create(spec, callerOf())), 201)
    },
  )
  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/dead/discard',
      summary: 'Give open dead letters up, with a reason',
      request: {
        body: {
          required: true,
          content: {
            'application/json': {
              schema: targets
                .extend({ reason: z.string().trim().min(1).max(500) })
                .openapi('DiscardRequest'),
            },
          },
        },
      },
      responses: { 200: json(discarded, 'which were discarded'), 400: problemResponse },
    }),
    async (c) => {
      const { reason, ...rest } = c.req.valid('json')
      const made = await replays.discard(
        { ...targetsOf(rest), reason },
        callerOf(),
        c.req.raw.signal,
      )
      return c.json(mutable(made), 200)
    },
  )
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/dead/{id}',
      summary: 'One dead letter with its original bytes',
      request: { params: z.object({ id: z.string().max(100) }) },
      responses: { 200: json(deadLetter, 'the dead letter'), 404: problemResponse },
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      const letter = await replays.letter(id, callerOf(), c.req.raw.signal)
      if (letter === undefined) {
        throw new ZenhookError('ZENHOOK_API_NOT_FOUND', {
          message: `There is no dead letter ${id}`,
        })
      }
      return c.json(shown(letter, true), 200)
    },
  )
}
