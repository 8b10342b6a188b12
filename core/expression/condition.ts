import { isCelError, parse, plan } from '@bufbuild/cel'
import { nearest } from '../config/nearest.ts'
import { messageOf, ZenhookError } from '../errors/index.ts'
import type { Event } from '../event/index.ts'
import { overspent, refill } from './cel-budget.ts'
import { environment } from './cel-env.ts'
import { type ConditionFault, inspect } from './cel-inspect.ts'
import { mapOf, pickOf } from './cel-values.ts'

/** What a condition reads. `score` is the object that the stage score added to the facts, `{}` before. */
export interface ConditionInput {
  readonly event: Event
  readonly facts: Readonly<Record<string, unknown>>
  readonly score: Readonly<Record<string, unknown>>
}

/** A condition that fails (a field that is absent, a limit) has not matched, and says why. */
export interface Match {
  readonly matched: boolean
  readonly error?: string
}

export interface Condition {
  readonly source: string
  /** Never throws; microseconds for the usual clauses, bounded for any. */
  test(input: ConditionInput): Match
}

/** Bytes of source, and levels of brackets, that are parsed at all. */
const maxSource = 4_096
const maxBrackets = 24

const eventFields = [
  'id',
  'tenant',
  'source',
  'provider',
  'type',
  'key',
  'deliveryId',
  'receivedAt',
  'contentType',
  'headers',
  'data',
] as const

const viewOf = ({ event, facts, score }: ConditionInput) => ({
  event: pickOf(event, eventFields),
  facts: mapOf(facts),
  score: mapOf(score),
})

// All conditions of an event are tested on one input, one after the other: what one read, the next finds.
let last: { input: ConditionInput; view: ReturnType<typeof viewOf> } | undefined
const sharedView = (input: ConditionInput): ReturnType<typeof viewOf> => {
  if (last?.input !== input) last = { input, view: viewOf(input) }
  return last.view
}

const bad = (message: string, offset: number): ZenhookError =>
  new ZenhookError('ZENHOOK_CONFIG_BAD_CONDITION', { message, details: { offset } })

const bracketsOf = (source: string): number => {
  let depth = 0
  let deepest = 0
  for (const character of source.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '')) {
    if ('([{'.includes(character)) depth += 1
    if (')]}'.includes(character)) depth -= 1
    deepest = Math.max(deepest, depth)
  }
  return deepest
}

const offsetOf = (error: unknown): number => {
  const location: unknown = error instanceof Error ? Reflect.get(error, 'location') : undefined
  const start: unknown =
    typeof location === 'object' && location !== null ? Reflect.get(location, 'start') : undefined
  const offset: unknown =
    typeof start === 'object' && start !== null ? Reflect.get(start, 'offset') : undefined
  return typeof offset === 'number' ? offset : 0
}

const syntaxMessage = (error: unknown): string => {
  const message = messageOf(error).replace(/^<input>:\d+:\d+: /, '')
  return message.length > 120 ? message.replace(/ but expecting [\s\S]*$/, '') : message
}

const parsed = (source: string): ReturnType<typeof parse> => {
  try {
    return parse(source)
  } catch (error) {
    throw bad(syntaxMessage(error), offsetOf(error))
  }
}

const describe = ({ message, name, known }: ConditionFault): string => {
  const meant = nearest(name, known)
  return meant === undefined ? message : `${message}; did you mean '${meant}'?`
}

/**
 * Compiles CEL over `event`, `facts` and `score`. Throws ZENHOOK_CONFIG_BAD_CONDITION with
 * `details.offset` into the source: syntax, unknown variables, fields of `event`, functions and patterns.
 */
export const compileCondition = (source: string): Condition => {
  if (source.length > maxSource) throw bad(`the condition is longer than ${maxSource}`, maxSource)
  if (bracketsOf(source) > maxBrackets) {
    throw bad(`brackets are nested more than ${maxBrackets} deep`, 0)
  }
  const expression = parsed(source)
  const fault = inspect(expression, { event: eventFields, facts: undefined, score: undefined })
  if (fault !== undefined) throw bad(describe(fault), fault.offset)
  const evaluate = plan(environment, expression)
  return {
    source,
    test(input) {
      refill()
      // Errors are values here, one for each absent field that a macro meets: nobody sees their stacks, which
      // cost ten times the rest.
      const { stackTraceLimit } = Error
      Error.stackTraceLimit = 0
      try {
        const result = evaluate(sharedView(input) as Parameters<typeof evaluate>[0])
        // Whatever `||` and the like made of it.
        const limit = overspent()
        if (limit !== undefined) return { matched: false, error: limit.message }
        if (isCelError(result)) return { matched: false, error: result.message }
        if (typeof result === 'boolean') return { matched: result }
        return { matched: false, error: 'the condition gives no boolean' }
      } catch (error) {
        return { matched: false, error: messageOf(error) }
      } finally {
        Error.stackTraceLimit = stackTraceLimit
      }
    },
  }
}
