import { createAdmin } from '../../api/app.ts'
import { openApiDocument } from '../../api/document.ts'
import type { AdminDependencies, ApiDependencies } from '../../api/types.ts'
import { components } from '../../cli/components.ts'
import { version } from '../../cli/version.ts'
import { configJsonSchema } from '../../core/registry/config/index.ts'

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

export const configSchema = (): string => json(configJsonSchema(components))

// Only the routes are read for the document: what stands behind them is never called.
const absent = (): never => {
  throw new Error('the document is made without an instance')
}
const plain: Readonly<Record<PropertyKey, unknown>> = { token: '', limit: undefined }
const nothing = new Proxy(absent, { get: (_, name) => (name in plain ? plain[name] : absent) })

/** The OpenAPI document of `/v1`. */
export const openApi = (): string => {
  const admin: AdminDependencies = {
    version: version(),
    instanceId: '',
    metrics: Reflect.get(
      { metrics: nothing },
      'metrics',
    ) as unknown as AdminDependencies['metrics'],
    logger: { debug: absent, info: absent, warn: absent, error: absent, child: absent },
    checks: absent,
  }
  const app = createAdmin(admin, nothing as unknown as ApiDependencies)
  return json(openApiDocument(app, version()))
}
