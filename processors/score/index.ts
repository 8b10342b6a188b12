import { z } from 'zod'
import type { ComponentSpec } from '../../core/config/component.ts'
import { messageOf } from '../../core/errors/index.ts'
import { type Event, withFacts } from '../../core/event/index.ts'
import type { Outcome, Stage, StageContext } from '../../core/stage/types.ts'
import type { Contribution, Score, Scorer } from './scorer.ts'
import { tableScorer } from './table.ts'

export { type Contribution, logistic, type Score, type Scorer } from './scorer.ts'
export { tableScorer } from './table.ts'

export const scoreSpec: ComponentSpec<Record<string, never>> = {
  name: 'score',
  kind: 'stage',
  summary: 'Says how urgent an event is, from 0 to 1, and what made it so',
  status: 'stable',
  config: z.strictObject({}),
  reasons: {
    scored: 'The scorer answered in time',
    degraded: 'The scorer was late, failed or answered nonsense; the neutral urgency 0.5 stands in',
  },
  examples: [
    {
      title: 'Only what is urgent goes to the pager',
      yaml: 'routes:\n  - name: urgent\n    when: score.urgency >= 0.7\n    to: [pager]\n',
    },
  ],
}

export interface ScoreOptions {
  scorer?: Scorer
  /** How long the scorer may take for a batch, ms. */
  deadlineMs?: number
  /** How long a scorer that was late is not asked, ms. */
  restMs?: number
}

const neutralUrgency = 0.5
const defaultDeadlineMs = 2_000
const defaultRestMs = 10_000

/** A scorer never blocks the chain: what it does not say in time, or says wrongly, is replaced and marked. */
export const createScore = (
  _context: StageContext,
  {
    scorer = tableScorer,
    deadlineMs = defaultDeadlineMs,
    restMs = defaultRestMs,
  }: ScoreOptions = {},
): Stage => {
  const model = `${scorer.name}@${scorer.version}`
  /** While it rests no batch waits for it: one that stalls costs a deadline now and then, not one per batch. */
  let restsUntil = 0
  return {
    name: 'score',
    async process(items, signal) {
      const events = items.map(({ event }) => event)
      const rests = restsUntil > 0 && performance.now() < restsUntil
      const { scores, cause, late } = rests
        ? resting
        : await ask(scorer, events, deadlineMs, signal)
      if (late) restsUntil = performance.now() + restMs
      return events.map((event, index) => outcomeOf(event, scores?.[index], model, cause))
    },
  }
}

const outcomeOf = (event: Event, answer: unknown, model: string, cause?: string): Outcome => {
  const score = cause ?? checked(answer)
  const valid = typeof score === 'string' ? undefined : score
  const urgency = valid?.urgency ?? neutralUrgency
  const degraded = valid?.degraded ?? true
  return {
    kind: 'emit',
    event: withFacts(event, { ...event.facts, urgency, model, ...(degraded && { degraded }) }),
    decisions: [
      {
        verdict: 'pass',
        reason: degraded ? 'degraded' : 'scored',
        score: urgency,
        model,
        details: {
          contributions: valid?.contributions ?? [],
          ...(typeof score === 'string' && { cause: score }),
        },
      },
    ],
  }
}

/** What a model answers is checked like anything from outside. */
const checked = (answer: unknown): Score | string => {
  if (typeof answer !== 'object' || answer === null) return 'the scorer gave no score'
  const { urgency, contributions, degraded }: Record<string, unknown> = { ...answer }
  if (typeof urgency !== 'number' || Number.isNaN(urgency)) return 'the urgency is not a number'
  if (urgency < 0 || urgency > 1) return `the urgency ${urgency} is not between 0 and 1`
  if (!Array.isArray(contributions) || !contributions.every(isContribution))
    return 'the contributions are not a list of feature, value and weight'
  return { urgency, contributions, degraded: degraded === true }
}

const isContribution = (each: unknown): each is Contribution => {
  if (typeof each !== 'object' || each === null) return false
  if (!('feature' in each && 'value' in each && 'weight' in each)) return false
  const { feature, value, weight } = each
  return typeof feature === 'string' && Number.isFinite(value) && Number.isFinite(weight)
}

interface Answer {
  scores?: readonly unknown[]
  cause?: string
  late?: true
}

const resting: Answer = { cause: 'the scorer was late a moment ago and is not asked' }

/** Resolves within the deadline, whatever the scorer does; rejects only when the batch itself is cancelled. */
const ask = async (
  scorer: Scorer,
  events: readonly Event[],
  deadlineMs: number,
  signal: AbortSignal,
): Promise<Answer> => {
  signal.throwIfAborted()
  const deadline = new AbortController()
  let stop = (): void => {}
  const ended = new Promise<Answer>((resolve, reject) => {
    const cancel = (): void => {
      deadline.abort(signal.reason)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      deadline.abort(new Error('deadline'))
      resolve({ cause: `the scorer did not answer within ${deadlineMs} ms`, late: true })
    }, deadlineMs)
    signal.addEventListener('abort', cancel, { once: true })
    stop = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', cancel)
    }
  })
  try {
    return await Promise.race([answerOf(scorer, events, deadline.signal), ended])
  } finally {
    stop()
  }
}

const answerOf = async (
  scorer: Scorer,
  events: readonly Event[],
  signal: AbortSignal,
): Promise<Answer> => {
  try {
    const scores: unknown = await scorer.score(events, signal)
    return Array.isArray(scores) ? { scores } : { cause: 'the scorer gave no list of scores' }
  } catch (error) {
    return { cause: `the scorer failed: ${messageOf(error)}` }
  }
}
