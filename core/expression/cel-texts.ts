import { type CelFunc, CelScalar, type CelValue, celFunc, celMethod } from '@bufbuild/cel'
import { strings } from '@bufbuild/cel/ext'
import { RE2JS } from '@bufbuild/re2'
import { conditionLimits, spend, within } from './cel-budget.ts'
import { type Cost, paid, standard } from './cel-funcs.ts'

const { BOOL, BYTES, INT, STRING } = CelScalar
const timestamp = 'google.protobuf.Timestamp'
const duration = 'google.protobuf.Duration'

const lengthOf = (value: CelValue | undefined): number =>
  typeof value === 'string' || value instanceof Uint8Array ? value.length : 0

/** The whole text is read, so many characters a step. */
const whole =
  (charactersPerStep: number): Cost =>
  (text) =>
    lengthOf(text) / charactersPerStep

/** Two are compared from an end on, until the shorter one is over. */
const shorter: Cost = (left, right) => Math.min(lengthOf(left), lengthOf(right)) / 16

// Big numbers take more than linear time to read; so do times, whatever their length.
const costOfNumber: Cost = (text) => lengthOf(text) ** 1.5 / 64
const costOfTime: Cost = (text) => 50 + lengthOf(text) / 16

/** What searching may cost: the engine is quick as a rule, but compares up to the whole part at each place. */
const spendOnSearch = (text: string, part: string): void => {
  const places = Math.max(text.length - part.length, 0)
  spend((places * Math.max(part.length, 16)) / 256 + part.length / 16)
}

const sizeOf = (text: string): bigint => {
  let count = 0
  for (const _ of text) count += 1
  return BigInt(count)
}

const patterns = new Map<string, RE2JS>()

/** Never backtracks (RE2). Throws when the pattern is not valid or too long. */
export const compilePattern = (pattern: string): RE2JS => {
  const known = patterns.get(pattern)
  if (known !== undefined) return known
  within(pattern.length, conditionLimits.matchPattern, 'the pattern of matches()')
  const compiled = RE2JS.compile(pattern)
  // Linear in the text, but what a character costs depends on the pattern: thousands of its instructions, for some.
  const { prog } = compiled.re2()
  const instructionAt = prog.getInst.bind(prog)
  prog.getInst = (index) => {
    spend(1)
    return instructionAt(index)
  }
  if (patterns.size >= 1_000) patterns.clear()
  patterns.set(pattern, compiled)
  return compiled
}

const matches = (text: string, pattern: string): boolean => {
  within(text.length, conditionLimits.matchText, 'the text of matches()')
  // Those of the condition itself are compiled with it.
  const isNew = !patterns.has(pattern)
  if (isNew) spend(pattern.length * 250)
  const compiled = compilePattern(pattern)
  if (isNew) spend(compiled.re2().prog.numInst() * 20)
  spend(text.length / 4)
  spendOnSearch(text, pattern)
  return compiled.test(text)
}

/** Of the strings extension, what cannot make a text longer. */
const extension = (...names: readonly string[]): readonly CelFunc[] =>
  strings.filter(({ name }) => names.includes(name))

/** Those of the library whose first argument, or whose target, is of one of these types. */
const ofLibrary = (
  names: readonly string[],
  types: readonly string[],
  arity = 1,
): readonly CelFunc[] =>
  standard.filter(
    ({ name, target, arguments: args }) =>
      names.includes(name) &&
      args.length === arity &&
      types.includes((target ?? args[0])?.name ?? ''),
  )

const searching = (name: 'indexOf' | 'lastIndexOf'): readonly CelFunc[] =>
  extension(name).map((func) => {
    const call: CelFunc['call'] = (id, target, args) => {
      const [pattern] = args
      if (typeof target === 'string' && typeof pattern === 'string') spendOnSearch(target, pattern)
      return func.call(id, target, args)
    }
    return Object.assign(Object.create(func), { call })
  })

const concat = (left: number, right: number, what: string): void => {
  within(left + right, conditionLimits.concat, what)
  spend((left + right) / 16)
}

/** What reads and makes texts and bytes. */
export const textFunctions: readonly CelFunc[] = [
  celFunc('_+_', [STRING, STRING], STRING, (left, right) => {
    concat(left.length, right.length, 'a string')
    return left + right
  }),
  celFunc('_+_', [BYTES, BYTES], BYTES, (left, right) => {
    concat(left.length, right.length, 'bytes')
    const both = new Uint8Array(left.length + right.length)
    both.set(left)
    both.set(right, left.length)
    return both
  }),
  celMethod('contains', STRING, [STRING], BOOL, function (part) {
    spendOnSearch(this, part)
    return this.includes(part)
  }),
  celMethod('matches', STRING, [STRING], BOOL, function (pattern) {
    return matches(this, pattern)
  }),
]
  .map((func) => paid(func))
  .concat(
    [
      celFunc('size', [STRING], INT, sizeOf),
      celMethod('size', STRING, [], INT, function () {
        return sizeOf(this)
      }),
    ].map((func) => paid(func, whole(4))),
    ofLibrary(['_<_', '_<=_', '_>_', '_>=_'], ['string', 'bytes'], 2).map((func) =>
      paid(func, shorter),
    ),
    ofLibrary(['startsWith', 'endsWith'], ['string']).map((func) => paid(func, shorter)),
    ofLibrary(['int', 'uint'], ['string']).map((func) => paid(func, costOfNumber)),
    ofLibrary(['double', 'bool'], ['string']).map((func) => paid(func, whole(16))),
    ofLibrary(['bytes'], ['string']).map((func) => paid(func, whole(4))),
    ofLibrary(['string'], ['bytes']).map((func) => paid(func, whole(4))),
    ofLibrary(['timestamp', 'duration'], ['string']).map((func) => paid(func, costOfTime)),
    ofLibrary(['string'], [timestamp, duration]).map((func) => paid(func, costOfTime)),
    // Those of a timestamp in a time zone: the zone's rules are looked up each time.
    standard
      .filter(({ target, arguments: args }) => target?.name === timestamp && args.length === 1)
      .map((func) => paid(func, () => 1_000)),
    extension('lowerAscii', 'upperAscii').map((func) => paid(func, whole(1))),
    extension('trim').map((func) => paid(func, whole(4))),
    searching('indexOf'),
    searching('lastIndexOf'),
    extension('charAt', 'substring'),
  )
