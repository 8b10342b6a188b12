import { randomBytes } from 'node:crypto'
import type { Target } from './load.ts'

/** Destinations of the tenant `fleet`, each event to all of them. */
export const fleet: readonly string[] = Array.from(
  { length: 20 },
  (_, index) => `d${String(index + 1).padStart(2, '0')}`,
)

/** How many destinations an event of a tenant has. */
export const destinationsOf = (tenant: string): number => (tenant === 'fleet' ? fleet.length : 1)

/** What the source of the tenant `noisy` may send a second. */
export const noisyPerSecond = 40

const hex = (bytes: number): string => randomBytes(bytes).toString('hex')

export const makeTargets = () => {
  const target = (tenant: string, source: string, provider: Target['provider']): Target => ({
    ...{ tenant, source, provider },
    ordered: tenant === 'line',
    secret: provider === 'slack' ? hex(16) : hex(24),
  })
  return {
    github: target('acme', 'github', 'github'),
    slack: target('acme', 'slack', 'slack'),
    beta: target('beta', 'github', 'github'),
    noisy: target('noisy', 'github', 'github'),
    fleet: target('fleet', 'github', 'github'),
    line: target('line', 'github', 'github'),
  }
}

export type Targets = ReturnType<typeof makeTargets>

const variableOf = ({ tenant, source }: Target): string =>
  `SECRET_${tenant.toUpperCase()}_${source.toUpperCase()}`

export const secretsEnv = (targets: Targets): Record<string, string> =>
  Object.fromEntries(Object.values(targets).map((target) => [variableOf(target), target.secret]))

// What `load.ts` puts into a body: events of one number stay in order.
const ordering = ({ ordered }: Target): string => (ordered ? ', ordering: hook_id' : '')

const sourceLine = (target: Target, more = ''): string =>
  `      ${target.source}: { provider: ${target.provider}, secrets: [env:${variableOf(target)}]${ordering(target)}${more} }`

// Delays that are short enough for a row, and many enough for the longest outage of a destination.
const schedule = [
  2,
  2,
  ...Array.from({ length: 6 }, () => 5),
  ...Array.from({ length: 90 }, () => 10),
]
  .map((seconds) => `${seconds}s`)
  .join(', ')

const destinationLines = (name: string, url: string, ordered = false): string =>
  `      ${name}:
        connector: webhook
        config: { url: "${url}" }
        secrets: { signing: env:SIGNING }
        retry: { schedule: [${schedule}] }
        ordered: ${ordered}
        allowPrivate: true`

const tenantText = (name: string, sources: string[], destinations: string[], to: string): string =>
  `  ${name}:
    sources:
${sources.join('\n')}
    destinations:
${destinations.join('\n')}
    routes:
      - { name: all, default: true, to: [${to}] }
`

export const configOf = (sinkUrl: string, targets: Targets): string => {
  const { github, slack, beta, noisy, fleet: many, line } = targets
  const sink = (path: string, ordered = false): string[] => [
    destinationLines('sink', `${sinkUrl}/${path}`, ordered),
  ]
  const limit = `, rateLimit: { perSecond: ${noisyPerSecond}, burst: ${noisyPerSecond} }`
  const tenants = [
    tenantText('acme', [sourceLine(github), sourceLine(slack)], sink('sink'), 'sink'),
    tenantText('beta', [sourceLine(beta)], sink('beta'), 'sink'),
    tenantText('noisy', [sourceLine(noisy, limit)], sink('noisy'), 'sink'),
    tenantText('line', [sourceLine(line)], sink('line', true), 'sink'),
    tenantText(
      'fleet',
      [sourceLine(many)],
      fleet.map((name) => destinationLines(name, `${sinkUrl}/${name}`)),
      fleet.join(', '),
    ),
  ]
  return `tenants:\n${tenants.join('')}`
}
