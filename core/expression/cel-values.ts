import { spend } from './cel-budget.ts'

/**
 * JSON as CEL sees it: own members only, whatever their names (`constructor` is a member like any other),
 * converted when they are read and once. The library's own conversion copies every object at each
 * access and trips over such names.
 */
class LazyMap extends Map<string, unknown> {
  readonly #names: () => readonly string[]
  readonly #read: (name: string) => unknown

  /** `read` gives `undefined` for what is not there. */
  constructor(names: () => readonly string[], read: (name: string) => unknown) {
    super()
    this.#names = names
    this.#read = read
  }

  override get size(): number {
    let count = 0
    for (const _ of this.keys()) count += 1
    return count
  }

  override get(key: string): unknown {
    const known = super.get(key)
    if (known !== undefined) return known
    const value = toCel(this.#read(key))
    if (value !== undefined) super.set(key, value)
    return value
  }

  override has(key: string): boolean {
    return this.get(key) !== undefined
  }

  override *keys(): MapIterator<string> {
    for (const key of this.#names()) {
      spend(1)
      if (this.has(key)) yield key
    }
  }

  override *values(): MapIterator<unknown> {
    for (const key of this.keys()) yield this.get(key)
  }

  override *entries(): MapIterator<[string, unknown]> {
    for (const key of this.keys()) yield [key, this.get(key)]
  }

  override [Symbol.iterator](): MapIterator<[string, unknown]> {
    return this.entries()
  }

  override forEach(visit: (value: unknown, key: string, map: Map<string, unknown>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this)
  }
}

export const mapOf = (source: object): ReadonlyMap<string, unknown> =>
  new LazyMap(
    () => Object.keys(source),
    (name) => (Object.hasOwn(source, name) ? Reflect.get(source, name) : undefined),
  )

/** Only these members of an object, read when they are needed. */
export const pickOf = <K extends string>(
  source: { readonly [P in K]?: unknown },
  names: readonly K[],
): ReadonlyMap<string, unknown> =>
  new LazyMap(
    () => names,
    (name) => {
      const known = names.find((each) => each === name)
      return known === undefined ? undefined : source[known]
    },
  )

export const toCel = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) {
    return typeof value === 'function' || typeof value === 'symbol' ? undefined : value
  }
  // JSON has no `undefined`, but facts set by code may: as in JSON, it becomes null in a list.
  return Array.isArray(value) ? value.map((each) => toCel(each) ?? null) : mapOf(value)
}
