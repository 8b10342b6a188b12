/**
 * JSON as CEL sees it: own members only, whatever their names (`constructor` is a member like any other),
 * converted when they are read and once. The library's own conversion copies every object at each
 * access and trips over such names.
 */
class JsonMap extends Map<string, unknown> {
  readonly #source: object

  constructor(source: object) {
    super()
    this.#source = source
  }

  override get size(): number {
    return Object.keys(this.#source).length
  }

  override get(key: string): unknown {
    const known = super.get(key)
    if (known !== undefined || !Object.hasOwn(this.#source, key)) return known
    const value = toCel(Reflect.get(this.#source, key))
    if (value !== undefined) super.set(key, value)
    return value
  }

  override has(key: string): boolean {
    return this.get(key) !== undefined
  }

  override *keys(): MapIterator<string> {
    for (const key of Object.keys(this.#source)) if (this.has(key)) yield key
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

const maps = new WeakMap<object, JsonMap>()

/** One view per object, so that several conditions on one event share what they read. */
export const mapOf = (source: object): ReadonlyMap<string, unknown> => {
  const known = maps.get(source)
  if (known !== undefined) return known
  const made = new JsonMap(source)
  maps.set(source, made)
  return made
}

export const toCel = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) {
    return typeof value === 'function' || typeof value === 'symbol' ? undefined : value
  }
  // JSON has no `undefined`, but facts set by code may: as in JSON, it becomes null in a list.
  return Array.isArray(value) ? value.map((each) => toCel(each) ?? null) : mapOf(value)
}
