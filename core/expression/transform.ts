import jsonata from 'jsonata'
import { isZenhookError, messageOf, ZenhookError } from '../errors/index.ts'
import type { Event } from '../event/index.ts'
import { inspectTransform } from './jsonata-inspect.ts'
import {
  boundedFunctions,
  checkSize,
  checkStep,
  LimitError,
  transformLimits,
} from './jsonata-limits.ts'
import { LinearRegExp } from './linear-regexp.ts'

export { transformLimits } from './jsonata-limits.ts'

/** A JSONata expression, parsed once. */
export interface Transform {
  readonly source: string
  /**
   * What the expression makes of an event: a JSON value. Its root holds `id`, `tenant`, `source`,
   * `provider`, `type`, `receivedAt` (RFC 3339), `deliveryId`, `contentType`, `headers`, `data`, `facts`.
   * Rejects with ZENHOOK_CONFIG_TRANSFORM_FAILED or ZENHOOK_CONFIG_TRANSFORM_LIMIT,
   * retriable only when it ran out of wall time.
   */
  run(event: Event): Promise<unknown>
}

export interface TransformOptions {
  /** Milliseconds of wall time that one evaluation may take. */
  timeoutMs?: number
  /** Characters of JSON that may come out. */
  maxOutput?: number
}

const maxSource = 16_384

const bad = (message: string, offset: number): ZenhookError =>
  new ZenhookError('ZENHOOK_CONFIG_BAD_TRANSFORM', { message, details: { offset } })

const field = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined

// The library throws plain objects with code, position (just after the token) and message.
const describe = (error: unknown): string => {
  const message = field(error, 'message')
  return typeof message === 'string' ? message : messageOf(error)
}

const offsetOf = (error: unknown): number => {
  const position = field(error, 'position')
  const token = field(error, 'token')
  const length = typeof token === 'string' && token !== '(end)' ? token.length : 0
  return typeof position === 'number' ? Math.max(0, position - length) : 0
}

const limitCodes = new Set(['D1011', 'D2014', 'D2015'])

const failure = (error: unknown): ZenhookError => {
  if (isZenhookError(error)) return error
  const outOfTime = field(error, 'code') === 'D1012'
  const limit =
    outOfTime ||
    error instanceof LimitError ||
    error instanceof RangeError ||
    limitCodes.has(String(field(error, 'code')))
  return new ZenhookError(
    limit ? 'ZENHOOK_CONFIG_TRANSFORM_LIMIT' : 'ZENHOOK_CONFIG_TRANSFORM_FAILED',
    {
      message: `The transform failed: ${describe(error)}`,
      cause: error,
      // Time is the machine's affair as well: another attempt may do. All other limits are the same again.
      retriable: outOfTime,
    },
  )
}

const rootOf = (event: Event): object => ({
  id: event.id,
  tenant: event.tenant,
  source: event.source,
  provider: event.provider,
  type: event.type,
  receivedAt: new Date(event.receivedAt).toISOString(),
  ...(event.deliveryId === undefined ? {} : { deliveryId: event.deliveryId }),
  contentType: event.contentType,
  headers: event.headers,
  data: event.data,
  facts: event.facts,
})

const parsed = (source: string, timeoutMs: number): jsonata.Expression => {
  try {
    return jsonata(source, {
      timeout: timeoutMs,
      stack: transformLimits.depth,
      sequence: transformLimits.elements,
      // The library makes one of these from each literal; ours never backtracks.
      RegexEngine: LinearRegExp as unknown as RegExpConstructor,
    })
  } catch (error) {
    throw bad(describe(error), offsetOf(error))
  }
}

/**
 * Compiles JSONata. Throws ZENHOOK_CONFIG_BAD_TRANSFORM with `details.offset` into the source: syntax,
 * unknown functions, and what is not allowed here (`$eval`, patterns that need backtracking).
 */
export const compileTransform = (source: string, options: TransformOptions = {}): Transform => {
  const { timeoutMs = transformLimits.timeoutMs, maxOutput = transformLimits.output } = options
  if (source.length > maxSource) throw bad(`the transform is longer than ${maxSource}`, maxSource)
  const expression = parsed(source, timeoutMs)
  const fault = inspectTransform(expression.ast(), source)
  if (fault !== undefined) throw bad(fault.message, fault.offset)
  for (const [name, { implementation, signature }] of boundedFunctions) {
    expression.registerFunction(name, implementation, signature)
  }
  const onExit: unknown = Symbol.for('jsonata.__evaluate_exit')
  expression.assign(onExit as string, (...call: unknown[]) => {
    const [, , environment, result] = call
    const run = field(environment, 'base')
    checkStep(typeof run === 'object' && run !== null ? run : call, result)
  })
  return {
    source,
    async run(event) {
      try {
        const result: unknown = await expression.evaluate(rootOf(event))
        if (result === undefined) throw new Error('it gives nothing for this event')
        checkSize(result, maxOutput, 'the output')
        return JSON.parse(JSON.stringify(result))
      } catch (error) {
        throw failure(error)
      }
    },
  }
}
