import type { AdminApp } from './app.ts'
import type { AdminDependencies, Check } from './types.ts'

const readiness = (checks: readonly Check[], verbose: boolean): [string, 200 | 503] => {
  const ok = checks.every((check) => check.ok)
  const lines = checks.map(({ name, ok, detail }) => `[${ok ? '+' : '-'}] ${name}: ${detail}\n`)
  return [`${verbose ? lines.join('') : ''}${ok ? 'ok' : 'not ready'}\n`, ok ? 200 : 503]
}

/** `/healthz`, `/readyz` (`?verbose` lists the checks), `/metrics`, `/version`: no token, no secret. */
export const healthRoutes = (app: AdminApp, deps: AdminDependencies): void => {
  app.get('/healthz', (c) => c.text('ok\n'))
  app.get('/readyz', async (c) =>
    c.text(...readiness(await deps.checks(), c.req.query('verbose') !== undefined)),
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
