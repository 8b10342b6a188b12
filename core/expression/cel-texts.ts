import { type CelFunc, CelScalar, type CelValue, celFunc, celMethod } from '@bufbuild/cel'
import { strings } from '@bufbuild/cel/ext'
import { conditionLimits, spend, within } from './cel-budget.ts'
import { type Cost, paid, spendOnSearch, standard } from './cel-funcs.ts'
import { constantMatches, matches } from './cel-patterns.ts'

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

const sizeOf = (text: string): bigint => {
  let count = 0
  for (const _ of text) count += 1
  return BigInt(count)
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
    return matches(this, pattern, false)
  }),
  celMethod(constantMatches, STRING, [STRING], BOOL, function (pattern) {
    return matches(this, pattern, true)
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
