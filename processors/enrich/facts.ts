/** How bad it is; `unknown` where the provider does not say. */
export const severities = ['critical', 'high', 'medium', 'low', 'info', 'unknown'] as const
export type Severity = (typeof severities)[number]

export const categories = [
  'alert',
  'incident',
  'security',
  'payment',
  'build',
  'deploy',
  'code',
  'issue',
  'chat',
  'message',
  'identity',
  'file',
  'meeting',
  'contact',
  'lifecycle',
  'other',
] as const
export type Category = (typeof categories)[number]

export const statuses = [
  'open',
  'acknowledged',
  'in_progress',
  'resolved',
  'closed',
  'succeeded',
  'failed',
  'cancelled',
  'unknown',
] as const
export type Status = (typeof statuses)[number]

/**
 * What enrich says of every event, always with every field, so that a condition may name any of them.
 * Text is empty where the payload does not tell.
 */
export interface Facts {
  severity: Severity
  category: Category
  status: Status
  /** What it is about: a repository, a service, a payment. */
  resource: string
  /** Who did it. */
  actor: string
  /** One line for humans. */
  title: string
  /** Where a human can look; http or https. */
  url: string
  /** `production`, `staging` … as the provider writes it. */
  environment: string
  branch: string
  /** What the fingerprint is of: `check_run`, `alert`. */
  kind: string
  /** Equal for every occurrence of the same problem, also when it is resolved. */
  fingerprint: string
  /** How many things it reports at once. */
  count: number
  /** The provider marks it as a test, not live. */
  test: boolean
  /** Whose mapping was used; `generic` for none. */
  provider: string
}
