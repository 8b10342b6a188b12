import { inTime } from '../core/time/limits.ts'
import type { Answer } from './problems.ts'

/** Resolves while the thing it looks at works; rejects with why not. */
export type HealthCheck = () => Promise<void> | void

/** No more than this: why a check fails may name our servers, and strangers read it here. */
export interface CheckResult {
  name: string
  ok: boolean
}

const checkMs = 2_000

const run = async (name: string, check: HealthCheck): Promise<CheckResult> => {
  try {
    await inTime(Promise.resolve().then(check), checkMs)
    return { name, ok: true }
  } catch {
    return { name, ok: false }
  }
}

/** Alive: the process answers. It says nothing of what it depends on. */
export const healthAnswer = (requestId: string): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/json', 'x-request-id': requestId },
  body: '{"status":"ok"}',
})

/** Ready: every check passes. The checks only where asked for; the admin listener says why one fails. */
export const readyAnswer = async (
  checks: Readonly<Record<string, HealthCheck>>,
  verbose: boolean,
  requestId: string,
): Promise<Answer> => {
  const results = await Promise.all(Object.entries(checks).map(([name, check]) => run(name, check)))
  const ok = results.every((result) => result.ok)
  const body = { status: ok ? 'ok' : 'unavailable', ...(verbose ? { checks: results } : {}) }
  return {
    status: ok ? 200 : 503,
    headers: {
      'content-type': 'application/json',
      'x-request-id': requestId,
      'cache-control': 'no-store',
      ...(ok ? {} : { 'retry-after': '5' }),
    },
    body: JSON.stringify(body),
  }
}
