import type { Event } from '../../core/event/index.ts'
import { type Contribution, logistic, type Scorer } from './scorer.ts'

/**
 * Weights in log-odds: +0.7 doubles the odds that somebody should look now, −0.7 halves them.
 * A fact that says nothing weighs nothing; the base stands for an event of which nothing is known.
 */
const base = -1.4

const bySeverity: Weights = { critical: 2.6, high: 1.5, medium: 0.4, low: -0.7, info: -1.2 }

const byStatus: Weights = {
  open: 0.4,
  failed: 0.9,
  acknowledged: -0.5,
  in_progress: -0.3,
  succeeded: -1,
  cancelled: -0.8,
  resolved: -1.8,
  closed: -1.3,
}

const byCategory: Weights = {
  incident: 1,
  alert: 0.6,
  security: 0.6,
  payment: 0.4,
  deploy: 0.3,
  build: 0.1,
  code: -0.4,
  chat: -0.6,
}

/** Providers that people wire up to be woken, and those that report on every step. */
const byProvider: Weights = { pagerduty: 0.5, falco: 0.3, sendgrid: -0.4, dockerhub: -0.2 }

const byEnvironment: Weights = {
  production: 0.8,
  prod: 0.8,
  live: 0.5,
  staging: -0.4,
  test: -0.8,
  development: -0.8,
  dev: -0.8,
}

const mainBranches = new Set(['main', 'master', 'trunk', 'production', 'release'])

/** Words of title and type. Whole words, so that `download` is not `down`. */
const keywords: readonly { feature: string; words: RegExp; weight: number }[] = [
  {
    feature: 'keyword:outage',
    words: /\b(?:outage|down|unreachable|unavailable|data loss|5xx|panic|oom(?:killed)?)\b/i,
    weight: 0.9,
  },
  {
    feature: 'keyword:breach',
    words: /\b(?:breach|leak(?:ed)?|compromised|exploit(?:ed)?|ransomware|intrusion)\b/i,
    weight: 0.9,
  },
  { feature: 'keyword:fraud', words: /\b(?:dispute|chargeback|fraud)\b/i, weight: 0.6 },
  { feature: 'keyword:trial', words: /\b(?:test|sample|example|dummy|ping)\b/i, weight: -0.7 },
]

/** Ten alerts at once matter more than one, but not ten times as much. */
const perCountDoubling = 0.25
const liveOff = -0.9
const failureOnMain = 0.8

type Weights = Readonly<Record<string, number>>

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const contributionsOf = (event: Event): readonly Contribution[] => {
  const { facts } = event
  const contributions: Contribution[] = [{ feature: 'base', value: 1, weight: base }]
  const add = (feature: string, weight: number | undefined, value = 1): void => {
    if (weight !== undefined && weight !== 0 && value !== 0)
      contributions.push({ feature, value, weight })
  }
  const lookUp = (name: string, table: Weights, value: string): void => {
    if (Object.hasOwn(table, value)) add(`${name}:${value}`, table[value])
  }
  const status = textOf(facts.status)
  lookUp('severity', bySeverity, textOf(facts.severity))
  lookUp('status', byStatus, status)
  lookUp('category', byCategory, textOf(facts.category))
  lookUp('provider', byProvider, textOf(facts.provider) || event.provider)
  lookUp('environment', byEnvironment, textOf(facts.environment).toLowerCase())
  if (status === 'failed' && mainBranches.has(textOf(facts.branch)))
    add('failed_on_main_branch', failureOnMain)
  if (facts.test === true) add('test_mode', liveOff)
  if (typeof facts.count === 'number' && facts.count > 1)
    add('count_doublings', perCountDoubling, Math.min(Math.log2(facts.count), 10))
  const words = `${textOf(facts.title)} ${event.type.replace(/[._-]/g, ' ')}`
  for (const { feature, words: pattern, weight } of keywords)
    if (pattern.test(words)) add(feature, weight)
  return contributions
}

/** The scorer that needs no training and no network: the same facts give the same score, for ever. */
export const tableScorer: Scorer = {
  name: 'table',
  version: '1',
  async score(events) {
    return events.map((event) => {
      const contributions = contributionsOf(event)
      const logOdds = contributions.reduce((sum, { value, weight }) => sum + value * weight, 0)
      return { urgency: logistic(logOdds), contributions }
    })
  },
}
