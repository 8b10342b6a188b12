import jsonata from 'jsonata'

export const transformLimits = {
  /** Expressions evaluated: the limit that counts, the same on every machine. */
  steps: 50_000,
  /** Wall time, for what steps do not see; generous, since a busy process must not kill a good transform. */
  timeoutMs: 1_000,
  /** Characters of JSON that come out. */
  output: 1_048_576,
  /** Characters of any string on the way, elements of any list that the expression makes. */
  text: 1_048_576,
  elements: 50_000,
  /** Nested evaluations. */
  depth: 500,
} as const

/** A limit of the transform was met; the message says which. */
export class LimitError extends Error {
  override readonly name = 'LimitError'
}

const within = (size: number, limit: number, what: string): void => {
  if (size > limit) throw new LimitError(`${what} is larger than ${limit}`)
}

const stepsKey = Symbol('steps')

/**
 * After every step of an evaluation: counts it, and looks at its result, so that doubling ends before it
 * costs memory. `run` is an object of this evaluation alone.
 */
export const checkStep = (run: object, value: unknown): void => {
  const steps = Number(Reflect.get(run, stepsKey) ?? 0) + 1
  Reflect.set(run, stepsKey, steps)
  within(steps, transformLimits.steps, 'the number of steps')
  if (typeof value === 'string') within(value.length, transformLimits.text, 'a text')
}

/** Counts a value as JSON without writing it, and stops at the limit: shared parts count each time. */
export const checkSize = (
  value: unknown,
  limit: number = transformLimits.text,
  what = 'a value',
): void => {
  let size = 0
  const add = (more: number): void => {
    size += more
    within(size, limit, what)
  }
  const count = (each: unknown, depth: number): void => {
    within(depth, 200, 'the nesting')
    if (typeof each === 'string') add(each.length + 2)
    else if (typeof each !== 'object' || each === null) add(4)
    else {
      add(2)
      for (const [name, member] of Object.entries(each)) {
        add(Array.isArray(each) ? 1 : name.length + 4)
        count(member, depth + 1)
      }
    }
  }
  count(value, 0)
}

interface Native {
  implementation(this: unknown, ...parameters: unknown[]): unknown
}
interface BoundedFunction extends Native {
  signature: string
}

const isNative = (value: unknown): value is Native =>
  typeof value === 'object' &&
  value !== null &&
  typeof Reflect.get(value, 'implementation') === 'function'

const natives = new Map<string, Promise<unknown>>()
const nativeOf = async (name: string): Promise<Native> => {
  const found = natives.get(name) ?? jsonata(`$${name}`).evaluate({})
  natives.set(name, found)
  const native = await found
  if (!isNative(native)) throw new Error(`there is no function $${name}`)
  return native
}

/** The library's function behind a check of what it is asked for. */
const bounded = (
  name: string,
  signature: string,
  check: (...parameters: unknown[]) => void,
): readonly [string, BoundedFunction] => [
  name,
  {
    signature,
    async implementation(...parameters) {
      check(...parameters)
      return (await nativeOf(name)).implementation.apply(this, parameters)
    },
  },
]

const lengthOf = (value: unknown): number =>
  typeof value === 'string' || Array.isArray(value) ? value.length : 0

// Pictures hold widths: one number of ten digits would make a text of as many characters.
const checkPicture = (picture: unknown): void => {
  if (typeof picture !== 'string') return
  within(picture.length, 100, 'a picture')
  for (const digits of picture.match(/\d+/g) ?? []) {
    within(Number(digits), 9_999, 'a number in a picture')
  }
}

/** Functions whose cost or size hangs on an argument, by what is checked before they run. */
export const boundedFunctions: ReadonlyMap<string, BoundedFunction> = new Map([
  bounded('pad', '<s-ns?:s>', (_, width, fill) => {
    const size = Math.abs(Number(width)) * Math.max(1, lengthOf(fill))
    within(size, 65_536, 'the width of $pad')
  }),
  bounded('join', '<a<s>s?:s>', (parts, separator) => {
    const texts = Array.isArray(parts) ? parts : [parts]
    const between = lengthOf(separator) * texts.length
    within(
      texts.reduce<number>((sum, text) => sum + lengthOf(text), between),
      transformLimits.text,
      'the result of $join',
    )
  }),
  bounded('string', '<x-b?:s>', (value) => checkSize(value)),
  bounded('replace', '<s-(sf)(sf)n?:s>', (_, __, replacement) => {
    within(lengthOf(replacement), 4_096, 'the replacement of $replace')
  }),
  bounded('distinct', '<x:x>', (list) => within(lengthOf(list), 2_000, 'the list of $distinct')),
  bounded('sort', '<af?:a>', (list) => within(lengthOf(list), 10_000, 'the list of $sort')),
  bounded('formatNumber', '<n-so?:s>', (_, picture) => checkPicture(picture)),
  bounded('formatInteger', '<n-s:s>', (_, picture) => checkPicture(picture)),
  bounded('fromMillis', '<n-s?s?:s>', (_, picture) => checkPicture(picture)),
  bounded('toMillis', '<s-s?:n>', (text, picture) => {
    within(lengthOf(text), 64, 'the text of $toMillis')
    // The library makes a backtracking pattern from a picture; ISO 8601 needs none.
    if (picture !== undefined) throw new LimitError('$toMillis takes no picture here')
  }),
])
