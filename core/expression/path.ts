import { ZenhookError } from '../errors/index.ts'

/** A JSON path, parsed once: `a.b[0].c`, `["odd key"].x`, with or without the root `$` before it. */
export interface Path {
  readonly source: string
  readonly steps: readonly (string | number)[]
}

const maxLength = 512
const maxSteps = 64
// One step: a name (after a dot unless it is the first), an index, or a quoted name.
const step = /(?:^|(?<=[\s\S])\.)([^.[\]"\s]+)|\[(\d{1,9})\]|\["((?:[^"\\]|\\.)+)"\]/y

const bad = (source: string, offset: number): ZenhookError =>
  new ZenhookError('ZENHOOK_CONFIG_BAD_PATH', {
    message: `'${source.slice(0, 80)}' is not a JSON path: unexpected ${
      offset >= source.length ? 'end' : `'${source.slice(offset, offset + 10)}'`
    } at ${offset + 1}`,
    details: { offset },
  })

const unquoted = (text: string): string => text.replace(/\\(.)/g, '$1')

/** Throws ZENHOOK_CONFIG_BAD_PATH, with `details.offset` into the source. */
export const compilePath = (source: string): Path => {
  if (source.length > maxLength) throw bad(source, maxLength)
  const steps: (string | number)[] = []
  let offset = /^\$[.[]/.test(source) ? 1 : 0
  do {
    step.lastIndex = offset
    const match = step.exec(source)
    if (match === null || steps.length === maxSteps) throw bad(source, offset)
    const [whole, name, index, quoted] = match
    steps.push(name ?? (quoted === undefined ? Number(index) : unquoted(quoted)))
    offset += whole.length
  } while (offset < source.length)
  return { source, steps }
}

/**
 * What lies at a path, or `undefined`. Reads own members of objects and elements of arrays only, so a
 * hostile body reaches no prototype; never throws.
 */
export const getPath = (value: unknown, path: Path): unknown => {
  let current = value
  for (const key of path.steps) {
    if (typeof current !== 'object' || current === null) return undefined
    if (Array.isArray(current) ? typeof key !== 'number' : !Object.hasOwn(current, key)) {
      return undefined
    }
    current = Reflect.get(current, key)
  }
  return current
}

/** As text for a key: strings, numbers and booleans as they are written; `undefined` for anything else. */
export const getPathText = (value: unknown, path: Path): string | undefined => {
  const found = getPath(value, path)
  return typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean'
    ? String(found)
    : undefined
}
