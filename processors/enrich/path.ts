/**
 * Where a value lies in a body: `a.b.0.c`, `a["odd.name"]`, `list.*.c` (every element).
 * Mappings are full of them, so they are parsed once.
 */
export type CompiledPath = readonly string[]

const segment = /\["([^"]*)"\]|([^.[\]]+)/g

export const compileFactPath = (source: string): CompiledPath =>
  [...source.matchAll(segment)].map(([, quoted, plain]) => quoted ?? plain ?? '')

/** Own members only: a hostile body reaches no prototype. */
const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined

/** Whether an element of a list counts. */
export type Keep = (element: unknown) => boolean

/** The one value there; `undefined` when there is none. A `*` takes the first element that has the rest. */
export const valueAt = (root: unknown, path: CompiledPath, keep?: Keep, from = 0): unknown => {
  let value = root
  for (let at = from; at < path.length; at += 1) {
    const name = path[at] ?? ''
    if (name === '*') {
      for (const each of elementsOf(value, keep)) {
        const found = valueAt(each, path, undefined, at + 1)
        if (found !== undefined && found !== null) return found
      }
      return undefined
    }
    value = member(value, name)
    if (value === undefined || value === null) return value
  }
  return value
}

/** Every value there: several where the path has a `*`. */
export const valuesAt = (
  root: unknown,
  path: CompiledPath,
  keep?: Keep,
  from = 0,
): readonly unknown[] => {
  const star = path.indexOf('*', from)
  if (star < 0) {
    const value = valueAt(root, path, undefined, from)
    return value === undefined || value === null ? [] : [value]
  }
  const list = valueAt(root, path.slice(from, star))
  return elementsOf(list, keep).flatMap((each) => valuesAt(each, path, undefined, star + 1))
}

/** A body may hold a hundred thousand elements; the first ones tell enough. */
const mostElements = 200

const elementsOf = (value: unknown, keep: Keep | undefined): readonly unknown[] => {
  if (!Array.isArray(value)) return []
  if (keep === undefined) return value.slice(0, mostElements)
  const kept: unknown[] = []
  for (const each of value) {
    if (keep(each)) kept.push(each)
    if (kept.length === mostElements) break
  }
  return kept
}
