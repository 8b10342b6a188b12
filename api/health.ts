import type { Context } from 'hono'
import type { AdminApp } from './app.ts'
import { defaultRetryMs, secondsOf } from './problem.ts'
import type { AdminDependencies, Check } from './types.ts'

const readiness = (c: Context, checks: readonly Check[], verbose: boolean): Response => {
  const ok = checks.every((check) => check.ok)
  const lines = checks.map(({ name, ok, detail }) => `[${ok ? '+' : '-'}] ${name}: ${detail}\n`)
  const text = `${verbose ? lines.join('') : ''}${ok ? 'ok' : 'not ready'}\n`
  return ok ? c.text(text) : c.text(text, 503, { 'retry-after': secondsOf(defaultRetryMs) })
}

/** `/healthz`, `/readyz` (`?verbose` lists the checks), `/metrics`, `/version`: no token, no secret. */
export const healthRoutes = (app: AdminApp, deps: AdminDependencies): void => {
  app.get('/healthz', (c) => c.text('ok\n'))
  app.get('/readyz', async (c) =>
    readiness(c, await deps.checks(), c.req.query('verbose') !== undefined),
  )
  app.get('/version', (c) =>
    c.json({ version: deps.version, node: process.version, instanceId: deps.instanceId }),
  )
  app.get('/metrics', async (c) =>
    c.body(await deps.metrics.registry.metrics(), 200, {
      'content-type': deps.metrics.registry.contentType,
    }),
  )
}
