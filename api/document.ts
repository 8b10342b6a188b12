import type { AdminApp } from './app.ts'
import { takesKey } from './idempotency.ts'

type Document = ReturnType<AdminApp['getOpenAPI31Document']>
type Operation = NonNullable<NonNullable<Document['paths']>[string]['get']>

const ref = (place: string): { $ref: string } => ({ $ref: `#/components/${place}` })

const text = (description: string, example: string) => ({
  description,
  schema: { type: 'string' as const },
  example,
})

const refused = (description: string, headers: Record<string, { $ref: string }> = {}) => ({
  description,
  headers,
  content: { 'application/problem+json': { schema: ref('schemas/Problem') } },
})

const limits = {
  RateLimit: ref('headers/RateLimit'),
  'RateLimit-Policy': ref('headers/RateLimitPolicy'),
}

/** What all operations of `/v1` have in common: named once, referred to by each. */
export const describeV1 = ({ openAPIRegistry: registry }: AdminApp): void => {
  registry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' })
  registry.registerComponent('parameters', 'IdempotencyKey', {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'Makes the request safe to repeat: what it did is answered again to the same key and the same request for 24 hours, marked `Idempotent-Replayed: true`. A request that failed frees its key.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
    example: '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
  })
  const headers = {
    RateLimit: text('What is left (r) and until when, seconds (t)', '"token";r=1999;t=10'),
    RateLimitPolicy: text('Requests (q) per window of seconds (w)', '"token";q=2000;w=10'),
    RetryAfter: text('Seconds', '1'),
  }
  for (const [name, header] of Object.entries(headers))
    registry.registerComponent('headers', name, header)
  const responses = {
    Unauthorized: refused('The token is missing or wrong'),
    TooManyRequests: refused('Too many requests with this token', {
      ...limits,
      'Retry-After': ref('headers/RetryAfter'),
    }),
    KeyUnderWay: refused('The first request with this Idempotency-Key is still under way', {
      'Retry-After': ref('headers/RetryAfter'),
    }),
    KeyReused: refused('The Idempotency-Key belongs to another request'),
  }
  for (const [name, response] of Object.entries(responses))
    registry.registerComponent('responses', name, response)
}

const withCommon = (operation: Operation, hasKey: boolean): void => {
  const responses: Record<string, object> = operation.responses ?? {}
  for (const [status, response] of Object.entries(responses)) {
    if (!status.startsWith('2')) continue
    const own: unknown = Reflect.get(response, 'headers')
    Reflect.set(response, 'headers', { ...(own ?? {}), ...limits })
  }
  Object.assign(responses, {
    401: ref('responses/Unauthorized'),
    429: ref('responses/TooManyRequests'),
  })
  if (!hasKey) return
  operation.parameters = [...(operation.parameters ?? []), ref('parameters/IdempotencyKey')]
  Object.assign(responses, {
    409: ref('responses/KeyUnderWay'),
    422: ref('responses/KeyReused'),
  })
}

const methods = ['get', 'put', 'post', 'delete', 'patch'] as const

/** The OpenAPI 3.1 document, made from the routes. */
export const openApiDocument = (app: AdminApp, version: string): object => {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Zenhook',
      version,
      description:
        'Reads events and decisions, and manages the configuration of one Zenhook. Errors are problem documents (RFC 9457); X-Request-Id is echoed.',
    },
    security: [{ token: [] }],
  })
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of methods) {
      const operation = item[method]
      if (operation !== undefined) withCommon(operation, takesKey(method, path))
    }
  }
  return document
}
