import type { Context } from 'hono'
import { catalog, type ErrorCode, isZenhookError } from '../core/errors/index.ts'

export interface ProblemDetail {
  pointer?: string
  detail: string
}

/** RFC 9457: what went wrong, as a document. */
export const problem = (
  c: Context,
  status: 400 | 401 | 403 | 404 | 409 | 412 | 413 | 415 | 500 | 503,
  code: ErrorCode,
  detail: string = catalog[code].summary,
  {
    errors = [],
    fix = catalog[code].fix,
  }: { errors?: readonly ProblemDetail[]; fix?: string } = {},
): Response =>
  c.body(
    JSON.stringify({
      type: `/docs/problems/${code.toLowerCase()}`,
      title: catalog[code].summary,
      status,
      code,
      detail,
      fix,
      request_id: c.get('requestId'),
      ...(errors.length === 0 ? {} : { errors }),
    }),
    status,
    {
      'content-type': 'application/problem+json',
      ...(status === 503 ? { 'retry-after': '5' } : {}),
    },
  )

const statuses: Partial<Record<ErrorCode, 404 | 412>> = {
  ZENHOOK_API_NOT_FOUND: 404,
  ZENHOOK_API_CONFLICT: 412,
  ZENHOOK_REGISTRY_CONFLICT: 412,
}

/** The answer to an error that reached the edge of the API. */
export const problemOf = (c: Context, error: unknown): Response => {
  if (!isZenhookError(error)) return problem(c, 500, 'ZENHOOK_API_INTERNAL')
  const { code, message, details } = error
  if (error.retriable) return problem(c, 503, code, message)
  const errors = Array.isArray(details.errors) ? (details.errors as ProblemDetail[]) : []
  return problem(c, statuses[code] ?? 400, code, message, { errors, fix: error.fix })
}
