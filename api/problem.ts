import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { catalog, type ErrorCode, isZenhookError } from '../core/errors/index.ts'
import { type ProblemDetail, problemDocument } from '../core/errors/problem.ts'

export type ProblemStatus =
  | 400
  | 401
  | 403
  | 404
  | 405
  | 409
  | 412
  | 413
  | 415
  | 422
  | 429
  | 500
  | 503

export const defaultRetryMs = 5_000
/** As `Retry-After` tells it. */
export const secondsOf = (ms: number): string => String(Math.max(1, Math.ceil(ms / 1000)))
/** Statuses that say when to come again. */
const later: ReadonlySet<ProblemStatus> = new Set([429, 503])

/** RFC 9457: what went wrong, as a document. */
export const problem = (
  c: Context,
  status: ProblemStatus,
  code: ErrorCode,
  detail: string = catalog[code].summary,
  {
    errors = [],
    fix = catalog[code].fix,
    retryAfterMs = defaultRetryMs,
  }: { errors?: readonly ProblemDetail[]; fix?: string; retryAfterMs?: number | undefined } = {},
): Response =>
  c.body(
    problemDocument(code, { status, detail, fix, errors, requestId: c.get('requestId') }),
    status,
    {
      'content-type': 'application/problem+json',
      ...(later.has(status) || code === 'ZENHOOK_API_IDEMPOTENCY_UNDER_WAY'
        ? { 'retry-after': secondsOf(retryAfterMs) }
        : {}),
    },
  )

/** Codes that are not the request's fault in general: everything else is 400. */
const statuses: Partial<Record<ErrorCode, ProblemStatus>> = {
  ZENHOOK_API_NOT_FOUND: 404,
  ZENHOOK_API_CONFLICT: 412,
  ZENHOOK_API_IN_USE: 409,
  ZENHOOK_REGISTRY_CONFLICT: 412,
  ZENHOOK_REGISTRY_UNDECODABLE: 409,
  ZENHOOK_REPLAY_NOT_FOUND: 404,
  ZENHOOK_REPLAY_STATE: 409,
}

/** The answer to an error that reached the edge of the API. */
export const problemOf = (c: Context, error: unknown): Response => {
  // What the router itself refuses: a body that is not JSON, or not of that type.
  if (error instanceof HTTPException && error.status < 500) {
    return problem(c, 400, 'ZENHOOK_API_INVALID', error.message)
  }
  if (!isZenhookError(error)) return problem(c, 500, 'ZENHOOK_API_INTERNAL')
  const { code, message, details, fix, retryAfterMs } = error
  if (error.retriable) return problem(c, 503, code, message, { fix, retryAfterMs })
  const errors = Array.isArray(details.errors) ? (details.errors as ProblemDetail[]) : []
  return problem(c, statuses[code] ?? 400, code, message, { errors, fix })
}

/** What a body beyond the limit (bytes) is answered with. */
export const tooLarge =
  (limit: number) =>
  async (c: Context): Promise<Response> => {
    await discard(c.req.raw.body)
    return problem(c, 413, 'ZENHOOK_API_TOO_LARGE', `The body is larger than ${limit} bytes`)
  }

const mostDiscarded = 16 * 1024 * 1024

/** Reads what is left of a body, within bounds: a sender that is cut off never sees the answer. */
const discard = async (body: ReadableStream<Uint8Array> | null): Promise<void> => {
  if (body === null || body.locked) return
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > mostDiscarded) return
  }
}
