import {
  type CelFunc,
  type CelList,
  CelScalar,
  celEnv,
  celFunc,
  celListConcat,
  celMethod,
  isCelList,
  isCelMap,
  listType,
} from '@bufbuild/cel'
import { strings } from '@bufbuild/cel/ext'
import { RE2JS } from '@bufbuild/re2'

const { BOOL, DOUBLE, DYN, INT, STRING } = CelScalar
const LIST = listType(DYN)

/** What one evaluation may cost. CEL always ends; these bound how late, whatever the body holds. */
export const conditionLimits = {
  /** Elements visited by `all`, `exists`, `map`, `filter` together. */
  elements: 20_000,
  /** Characters that `matches` reads, and of its pattern. */
  matchText: 65_536,
  matchPattern: 1_024,
  /** Characters of a string, elements of a list that an expression may put together. */
  concat: 262_144,
} as const

// Evaluation is synchronous, so one counter serves all conditions of the process.
let elementsLeft: number = conditionLimits.elements
export const refill = (): void => {
  elementsLeft = conditionLimits.elements
}

const within = (size: number, limit: number, what: string): void => {
  if (size > limit) throw new Error(`${what} is larger than ${limit}`)
}

const patterns = new Map<string, { test(text: string): boolean }>()
/** Linear in the text (RE2, never backtracking). Throws when the pattern is not valid or too long. */
export const compilePattern = (pattern: string): { test(text: string): boolean } => {
  const known = patterns.get(pattern)
  if (known !== undefined) return known
  within(pattern.length, conditionLimits.matchPattern, 'the pattern of matches()')
  const compiled = RE2JS.compile(pattern)
  if (patterns.size >= 1_000) patterns.clear()
  patterns.set(pattern, compiled)
  return compiled
}

/** Name of the function that `condition.ts` puts around each range that a macro walks. */
export const chargeFunction = '@charge'

// Walking it throws past the macros, which would swallow an error value and go on to the next element.
class Exhausted extends Map<string, string> {
  override keys(): never {
    throw new Error(`more than ${conditionLimits.elements} elements visited`)
  }
}
const exhausted = new Exhausted()

const charge = celFunc(chargeFunction, [DYN], DYN, (range) => {
  elementsLeft -= isCelList(range) || isCelMap(range) ? range.size : 0
  return elementsLeft < 0 ? exhausted : range
})

const length = (text: string): bigint => {
  let count = 0
  for (const _ of text) count += 1
  return BigInt(count)
}

// JSON numbers are doubles and literals are ints: `event.data.count + 1` is meant to work.
const mixed = (
  name: string,
  compute: (left: number, right: number) => number,
): readonly CelFunc[] => [
  celFunc(name, [DOUBLE, INT], DOUBLE, (left, right) => compute(left, Number(right))),
  celFunc(name, [INT, DOUBLE], DOUBLE, (left, right) => compute(Number(left), right)),
]

const funcs: CelFunc[] = [
  charge,
  ...mixed('_+_', (left, right) => left + right),
  ...mixed('_-_', (left, right) => left - right),
  ...mixed('_*_', (left, right) => left * right),
  ...mixed('_/_', (left, right) => left / right),
  ...mixed('_%_', (left, right) => left % right),
  celFunc('_+_', [STRING, STRING], STRING, (left, right) => {
    within(left.length + right.length, conditionLimits.concat, 'a string')
    return left + right
  }),
  celFunc('_+_', [LIST, LIST], LIST, (left: CelList, right: CelList) => {
    within(left.size + right.size, conditionLimits.concat, 'a list')
    return celListConcat(left, right)
  }),
  celFunc('size', [STRING], INT, length),
  celMethod('size', STRING, [], INT, function () {
    return length(this)
  }),
  celMethod('matches', STRING, [STRING], BOOL, function (pattern) {
    within(this.length, conditionLimits.matchText, 'the text of matches()')
    return compilePattern(pattern).test(this)
  }),
  // Of the strings extension, what cannot make a text longer.
  ...strings.filter(({ name }) =>
    ['charAt', 'indexOf', 'lastIndexOf', 'lowerAscii', 'upperAscii', 'substring', 'trim'].includes(
      name,
    ),
  ),
]

export const environment = celEnv({ funcs })

/** Functions and methods that an expression may call, without operators. */
export const functionNames: ReadonlySet<string> = new Set(
  [...environment.funcs].map(({ name }) => name).filter((name) => /^[a-z]/i.test(name)),
)
