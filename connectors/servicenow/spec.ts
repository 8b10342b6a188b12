import { z } from 'zod'
import type { ComponentSpec } from '../../core/config/component.ts'
import { httpReasons } from '../http.ts'
import { linkReasons } from '../links.ts'

const config = z
  .strictObject({
    instance: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/i, 'is no name of an instance')
      .optional()
      .describe('Name of the instance: acme for https://acme.service-now.com'),
    baseUrl: z
      .string()
      .regex(/^https?:\/\/[^?#]+$/i, 'must be http(s)://host')
      .optional()
      .describe('Instead of instance: the whole address'),
    table: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,79}$/, 'is no name of a table')
      .default('incident')
      .describe('Table of the records'),
    fields: z
      .record(z.string().regex(/^[a-z][a-z0-9_]{0,79}$/, 'is no name of a field'), z.string())
      .default({})
      .describe('Further fields of a new record'),
    closeCode: z
      .string()
      .max(100)
      .default('Solution provided')
      .describe('close_code of a resolved record'),
  })
  .refine(({ instance, baseUrl }) => (instance === undefined) !== (baseUrl === undefined), {
    message: 'needs either instance or baseUrl',
  })

export type ServiceNowConfig = z.infer<typeof config>

export const servicenowSpec: ComponentSpec<ServiceNowConfig> = {
  name: 'servicenow',
  kind: 'connector',
  summary:
    'Incidents in ServiceNow, one per problem by correlation id: made, noted, resolved, and reopened',
  status: 'stable',
  config,
  targets: ['baseUrl'],
  secrets: {
    username: { description: 'User of the Table API; with password', required: false, many: false },
    password: { description: 'Password of the user', required: false, many: false },
    clientId: {
      description: 'OAuth client (client credentials); with clientSecret, instead of a user',
      required: false,
      many: false,
    },
    clientSecret: { description: 'Secret of the OAuth client', required: false, many: false },
  },
  secretSets: [
    ['username', 'password'],
    ['clientId', 'clientSecret'],
  ],
  reasons: {
    ...httpReasons,
    ...linkReasons,
    servicenow_refused:
      'ServiceNow refused within a 2xx answer, or showed no record that is ours; the error says what',
    no_credentials: 'Neither a user nor an OAuth client is configured',
    busy: 'Another event of the same problem is making the record now, or the answer was lost and nobody knows yet',
  },
  examples: [
    {
      title: 'Incidents by a user of the Table API',
      yaml: `connector: servicenow
config: { instance: acme, fields: { assignment_group: "Web operations" } }
secrets: { username: env:SNOW_USER, password: env:SNOW_PASSWORD }
`,
    },
    {
      title: 'By an OAuth client',
      yaml: `connector: servicenow
config: { instance: acme }
secrets: { clientId: env:SNOW_CLIENT, clientSecret: env:SNOW_SECRET }
`,
    },
  ],
}
