import { z } from 'zod'
import type { ComponentSpec, SecretSpec } from '../../config/component.ts'
import { durationPattern, sizePattern } from '../../config/units.ts'
import type { ErrorCode } from '../../errors/index.ts'
import { namePattern, secretPattern } from '../objects.ts'

/** What the configuration needs to know of a preset. */
export interface ProviderInfo {
  name: string
  /** Other names of the same preset. */
  aliases?: readonly string[]
  /** By role, as for components; a source without secrets is refused when one of them is required. */
  secrets?: Readonly<Record<string, SecretSpec>>
}

export interface VerifyFault {
  /** Place in `verify`. */
  path: readonly string[]
  message: string
  /** Where a name is not known: those that are. */
  known?: readonly string[]
  /** ZENHOOK_CONFIG_BAD_VALUE by default. */
  code?: ErrorCode
}

/** The lists of components; handed in, since core knows none of them. */
export interface Components {
  providers: readonly ProviderInfo[]
  verifiers: readonly ComponentSpec[]
  connectors: readonly ComponentSpec[]
  /** Why nothing could be verified with these settings. */
  verifyFault?(source: {
    provider?: string
    verify?: Readonly<Record<string, unknown>>
  }): VerifyFault | undefined
  /** Why a URL can never be connected to; without it, that is seen when it is dialled. */
  targetFault?(url: string, allowPrivate: boolean): string | undefined
}

export const patterns = {
  duration: durationPattern,
  size: sizePattern,
  name: namePattern,
  secret: secretPattern,
} as const

const duration = z
  .string()
  .regex(patterns.duration)
  .meta({ description: 'Duration', examples: ['250ms', '5s', '10m', '24h', '7d'] })
const size = z
  .string()
  .regex(patterns.size)
  .meta({ description: 'Size', examples: ['64KiB', '1MiB'] })
const secret = z
  .string()
  .regex(patterns.secret)
  .describe('Reference to a secret: env:NAME or file:/path (plain:value for tests)')
const path = z.string().min(1).max(512)
const name = z.string().regex(patterns.name)

const perSecond = z.number().positive().max(1_000_000).describe('Sustained rate')
const burst = z.number().positive().max(1_000_000).describe('Bucket size; perSecond by default')

export const sourceFile = z.strictObject({
  provider: z.string().optional().describe('A preset; see `zenhook providers list`'),
  verify: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('A scheme spelled out (`scheme: hmac`, …), or settings of the preset'),
  secrets: z.array(secret).max(20).optional().describe('Any of them verifies, for rotation'),
  dedupe: z
    .strictObject({
      window: duration.optional().describe('24h with a delivery id, else 5m, by default'),
      key: path.optional().describe('JSON path into the body, instead of the delivery id'),
    })
    .optional()
    .describe('When a second event counts as a duplicate'),
  rateLimit: z
    .strictObject({ perSecond, burst: burst.optional() })
    .optional()
    .describe('Requests above it are answered 429'),
  maxBody: size.optional().describe('Largest body; 1MiB by default'),
  contentEncoding: z
    .enum(['sent', 'decoded'])
    .optional()
    .describe('Take gzip, deflate and br; which bytes the sender signs. Refused by default'),
  successStatus: z
    .literal([200, 202])
    .optional()
    .describe('Answer to what is stored; 202 by default, 200 for a sender that takes no other'),
  ordering: path.optional().describe('JSON path into the body: order holds per value'),
  replay: z
    .enum(['strict', 'accept'])
    .optional()
    .describe('While the state store is away: refuse (strict) or accept, the default'),
})

const schedule = z.union([
  z.literal('standard').describe('Standard Webhooks: ten attempts over about three days'),
  z.array(duration).max(100).describe('Delays before attempts 2, 3, …'),
])

export const destinationFile = z.strictObject({
  connector: z.string().describe('Name of a connector'),
  config: z.record(z.string(), z.unknown()).optional().describe("The connector's own settings"),
  secrets: z
    .record(z.string(), z.union([secret, z.array(secret).max(20)]))
    .optional()
    .describe('Secrets by role'),
  retry: z
    .strictObject({
      attempts: z.number().int().min(1).max(101).optional().describe('Attempts in all'),
      schedule: schedule.optional(),
    })
    .optional()
    .describe('When a failed attempt is made again; standard by default'),
  rateLimit: z
    .strictObject({
      perSecond,
      burst: burst.optional(),
      concurrent: z.number().int().min(1).max(1_000).optional().describe('Attempts at once'),
    })
    .optional(),
  ordered: z.boolean().optional().describe('Deliver in order per ordering key; false by default'),
  allowPrivate: z.boolean().optional().describe('May be a private address within a grant'),
  disabled: z.boolean().optional().describe('Make no attempts'),
})

export const routeFile = z.strictObject({
  name: name.describe('Name, unique within the tenant'),
  when: z.string().optional().describe('CEL over event, facts and score; required unless default'),
  to: z.array(z.string()).min(1).max(100).describe('Destinations of the tenant'),
  transform: z.string().optional().describe('JSONata: what is delivered instead of the body'),
  stop: z.boolean().optional().describe('No later route applies once this one did'),
  default: z.boolean().optional().describe('Applies only when no other route did'),
})

const secretsSchema = (specs: Readonly<Record<string, SecretSpec>>): z.ZodType =>
  z.strictObject(
    Object.fromEntries(
      Object.entries(specs).map(([role, { description, required, many }]) => {
        const value = (many ? z.union([secret, z.array(secret)]) : secret).describe(description)
        return [role, required ? value : value.optional()]
      }),
    ),
  )

const destinationOf = ({ name: connector, summary, config, secrets = {} }: ComponentSpec) => {
  const needsSecret = Object.values(secrets).some(({ required }) => required)
  const secretsOf = secretsSchema(secrets)
  const needsConfig = !config.safeParse({}).success
  return destinationFile
    .extend({
      connector: z.literal(connector),
      config: needsConfig ? config : config.optional(),
      secrets: needsSecret ? secretsOf : secretsOf.optional(),
    })
    .describe(summary)
}

const sourceOf = ({ providers, verifiers }: Components) => {
  const names = providers.flatMap((provider) => [provider.name, ...(provider.aliases ?? [])])
  const schemes = verifiers.map(({ name: scheme, config, summary }) =>
    z.union([config]).describe(`${scheme}: ${summary}`),
  )
  return sourceFile.extend({
    ...(names.length === 0 ? {} : { provider: z.enum(names).optional() }),
    ...(schemes.length === 0
      ? {}
      : { verify: z.union([...schemes, z.record(z.string(), z.unknown())]).optional() }),
  })
}

const fileOf = (components: Components) => {
  const [first, ...others] = components.connectors.map(destinationOf)
  const destination = first === undefined ? destinationFile : z.union([first, ...others])
  const tenant = z.strictObject({
    sources: z.record(name, sourceOf(components)).optional().describe('Where events come in'),
    destinations: z.record(name, destination).optional().describe('Where they go out'),
    routes: z.array(routeFile).optional().describe('In order: which events go where'),
  })
  return z.strictObject({ tenants: z.record(name, tenant) })
}

/** JSON Schema (draft 2020-12) of a configuration file, for editors. */
export const configJsonSchema = (components: Components): Readonly<Record<string, unknown>> => ({
  ...z.toJSONSchema(fileOf(components), { io: 'input', unrepresentable: 'any', reused: 'ref' }),
  title: 'Zenhook configuration',
})
