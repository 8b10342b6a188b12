import { z } from 'zod'
import type { ComponentSpec } from '../../core/config/component.ts'
import { httpReasons } from '../http.ts'
import { linkReasons } from '../links.ts'

const config = z.strictObject({
  baseUrl: z
    .string()
    .regex(/^https?:\/\/[^?#]+$/i, 'must be http(s)://host')
    .describe('The site, for instance https://acme.atlassian.net'),
  project: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{1,30}$/, 'is no project key')
    .describe('Key of the project in which issues are made'),
  issueType: z.string().min(1).max(60).default('Task').describe('Name of the issue type'),
  fields: z
    .record(z.string().max(100), z.json())
    .default({})
    .describe('Further fields of a new issue, as the REST API takes them'),
})

export type JiraConfig = z.infer<typeof config>

export const jiraSpec: ComponentSpec<JiraConfig> = {
  name: 'jira',
  kind: 'connector',
  summary:
    'Issues in Jira Cloud, one per problem: created, commented, moved to done, and reopened when it comes back',
  status: 'stable',
  config,
  targets: ['baseUrl'],
  secrets: {
    email: { description: 'E-mail address of the account', required: true, many: false },
    token: { description: 'API token of the account', required: true, many: false },
  },
  reasons: {
    ...httpReasons,
    ...linkReasons,
    jira_refused: 'Jira refused the fields; its words are in the error',
    no_transition: 'The workflow has no transition to where the issue should go',
    busy: 'Another event of the same problem is creating the issue now, or the answer was lost and nobody knows yet',
  },
  examples: [
    {
      title: 'One issue per problem',
      yaml: `connector: jira
config: { baseUrl: "https://acme.atlassian.net", project: OPS, issueType: Bug }
secrets: { email: env:JIRA_EMAIL, token: env:JIRA_TOKEN }
`,
    },
  ],
}
