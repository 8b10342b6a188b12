import { z } from 'zod'
import type { AnyObject } from './port.ts'
import type { ObjectKind } from './types.ts'

/** Kubernetes' DNS label: names of tenants, sources, destinations and routes. */
export const namePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/** `env:NAME`, `file:/absolute/path`, `plain:…`. */
export const secretPattern = /^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:\/\S.*|plain:.+)$/

const name = z.string().regex(namePattern)
const secret = z.string().regex(secretPattern)
const whole = z.number().int().nonnegative()
const rateLimit = z.looseObject({
  perSecond: z.number().positive(),
  burst: z.number().positive().optional(),
  concurrent: z.number().int().positive().optional(),
})
const settings = z.record(z.string(), z.unknown())

// Loose: a newer writer may add fields, and a revision names the whole content.
const specs = {
  source: z.looseObject({
    tenant: name,
    name,
    provider: z.string().optional(),
    verify: settings.optional(),
    secrets: z.array(secret),
    dedupe: z.looseObject({ windowMs: whole.optional(), key: z.string().optional() }),
    rateLimit: rateLimit.optional(),
    maxBody: whole,
    contentEncoding: z.enum(['sent', 'decoded']).optional(),
    successStatus: z.literal([200, 202]).optional(),
    ordering: z.string().optional(),
    replay: z.enum(['strict', 'accept']),
  }),
  destination: z.looseObject({
    tenant: name,
    name,
    connector: z.string(),
    config: settings,
    secrets: z.record(z.string(), z.union([secret, z.array(secret)])),
    retry: z.looseObject({ attempts: z.number().int().positive(), delaysMs: z.array(whole) }),
    rateLimit: rateLimit.optional(),
    ordered: z.boolean(),
    allowPrivate: z.boolean(),
    disabled: z.boolean(),
  }),
  route: z.looseObject({
    tenant: name,
    name,
    index: whole,
    when: z.string(),
    to: z.array(name),
    transform: z.string().optional(),
    stop: z.boolean(),
    default: z.boolean(),
  }),
} as const satisfies Record<ObjectKind, z.ZodType>

export const objectKinds = Object.keys(specs) as readonly ObjectKind[]

const anyObject = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('source'), spec: specs.source }),
  z.object({ kind: z.literal('destination'), spec: specs.destination }),
  z.object({ kind: z.literal('route'), spec: specs.route }),
])

/** Reads an object that comes from outside (the topic, a file, the API); throws a ZodError. */
export const parseObject = (value: unknown): AnyObject => anyObject.parse(value)

export const parseObjects = (value: unknown): readonly AnyObject[] =>
  z.array(anyObject).parse(value)
