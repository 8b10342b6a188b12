import { z } from 'zod'
import { duration } from '../time.ts'
import { algorithms } from './jws.ts'

export const jwtConfig = z.strictObject({
  scheme: z.literal('jwt').describe('Name of the scheme'),
  header: z
    .string()
    .min(1)
    .toLowerCase()
    .default('authorization')
    .describe('Header that carries the token'),
  prefix: z.string().default('Bearer ').describe('Text before the token, in any case'),
  algorithms: z.array(z.enum(algorithms)).min(1).describe('The only ones that are accepted'),
  jwks: z
    .url({ protocol: /^https$/ })
    .optional()
    .describe("Where the sender's keys are; without it the secrets are the keys"),
  issuer: z.string().optional().describe('What iss must be'),
  audience: z.string().optional().describe('What aud must be or contain'),
  claims: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .default({})
    .describe('Other claims and what they must be, such as the tenant'),
  required: z.array(z.string()).default(['exp']).describe('Claims that must be there'),
  leeway: duration.prefault('30s').describe('How far clocks may differ'),
  maxLifetime: duration.prefault('24h').describe('Longest life of a token that is accepted'),
  queryHash: z
    .string()
    .optional()
    .describe('Claim with the query string hash of Atlassian Connect'),
  basePath: z.string().default('').describe('Path of the app, which queryHash leaves out'),
  urlHash: z.string().optional().describe('Claim with the SHA-256 of the URL'),
  bodyHash: z.string().optional().describe('Claim with the SHA-256 of the body'),
})

export type JwtConfig = z.infer<typeof jwtConfig>
