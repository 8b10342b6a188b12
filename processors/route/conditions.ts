import { messageOf } from '../../core/errors/index.ts'
import type { Event } from '../../core/event/index.ts'
import {
  type Condition,
  type ConditionInput,
  compileCondition,
  type Match,
} from '../../core/expression/condition.ts'
import type { Snapshot } from '../../core/registry/types.ts'

/** Compiled conditions of one registry revision: each expression once, kept while it is in use. */
export interface ConditionCache {
  use(snapshot: Snapshot): void
  evaluate(source: string, input: ConditionInput): Match
}

type Compiled = Condition | { error: string }

export const createConditionCache = (): ConditionCache => {
  let revision: string | undefined
  let current = new Map<string, Compiled>()
  let previous = new Map<string, Compiled>()

  const compiled = (source: string): Compiled => {
    const known = current.get(source)
    if (known !== undefined) return known
    const made = previous.get(source) ?? compile(source)
    current.set(source, made)
    return made
  }
  return {
    use: (snapshot) => {
      if (snapshot.revision === revision) return
      revision = snapshot.revision
      previous = current
      current = new Map()
    },
    evaluate: (source, input) => {
      const condition = compiled(source)
      return 'error' in condition
        ? { matched: false, error: condition.error }
        : condition.test(input)
    },
  }
}

const compile = (source: string): Compiled => {
  try {
    return compileCondition(source)
  } catch (error) {
    return { error: messageOf(error) }
  }
}

/**
 * What conditions of one event read; made once per event. `score.urgency`, `score.model` and
 * `score.degraded` come from the facts, so that they cross topics.
 */
export const inputOf = (event: Event): ConditionInput => ({
  event,
  facts: event.facts,
  score:
    event.facts.urgency === undefined
      ? {}
      : {
          urgency: event.facts.urgency,
          model: event.facts.model ?? '',
          degraded: event.facts.degraded === true,
        },
})
