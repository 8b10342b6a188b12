import { z } from 'zod'
import { nearest } from '../../config/nearest.ts'
import { durationFault } from '../../config/units.ts'
import type { ErrorCode } from '../../errors/index.ts'
import { type DataPath, dataAt, type Located, type RawFault, type Segment } from './document.ts'
import { patterns } from './schema.ts'

type Issue = z.core.$ZodIssue
type JsonSchema = Readonly<Record<string, unknown>>

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const jsonSchemas = new WeakMap<z.ZodType, unknown>()
const jsonSchemaOf = (schema: z.ZodType): unknown => {
  const known = jsonSchemas.get(schema)
  if (known !== undefined) return known
  let made: unknown
  try {
    made = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  } catch {
    made = {}
  }
  jsonSchemas.set(schema, made)
  return made
}

const branches = (schema: JsonSchema): readonly JsonSchema[] => [
  schema,
  ...[schema.anyOf, schema.oneOf, schema.allOf]
    .flatMap((each) => (Array.isArray(each) ? each : []))
    .filter(isSchema)
    .flatMap(branches),
]

const inside = (schema: JsonSchema, segment: Segment): readonly JsonSchema[] =>
  branches(schema)
    .map(({ properties, additionalProperties, items }) => {
      if (typeof segment === 'number') return items
      if (isSchema(properties) && Object.hasOwn(properties, segment)) return properties[segment]
      return additionalProperties
    })
    .filter(isSchema)

/** What a schema takes at a path, in all its branches. */
const schemasAt = (schema: z.ZodType, path: DataPath): readonly JsonSchema[] => {
  const root = jsonSchemaOf(schema)
  let reached = isSchema(root) ? [root] : []
  for (const segment of path) reached = reached.flatMap((each) => [...inside(each, segment)])
  return reached.flatMap(branches)
}

/** The keys that an object at a path of a schema may have. */
const keysAt = (schema: z.ZodType, path: DataPath): readonly string[] =>
  schemasAt(schema, path).flatMap(({ properties }) =>
    isSchema(properties) ? Object.keys(properties) : [],
  )

const kindOf = (value: unknown): string => {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  return (
    { string: 'a text', number: 'a number', boolean: 'true or false' }[String(typeof value)] ??
    'a map'
  )
}

const expectedKinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

const patternFaults: readonly { pattern: RegExp; code: ErrorCode; message: string }[] = [
  {
    pattern: patterns.duration,
    code: 'ZENHOOK_CONFIG_BAD_DURATION',
    message: durationFault,
  },
  {
    pattern: patterns.size,
    code: 'ZENHOOK_CONFIG_BAD_SIZE',
    message: 'must be a size such as 64KiB or 1MiB',
  },
  {
    pattern: patterns.name,
    code: 'ZENHOOK_CONFIG_BAD_NAME',
    message: 'must be a DNS label: a-z, 0-9 and "-", at most 63, a letter or digit at both ends',
  },
  {
    // The value may be the secret itself: it is never shown.
    pattern: patterns.secret,
    code: 'ZENHOOK_CONFIG_BAD_SECRET',
    message: 'must be a reference: env:NAME or file:/absolute/path',
  },
]

/** `secrets[0]`, `maxBody`: enough to know it beside its line and column. */
const nameOf = (path: DataPath): string => {
  const last = path.at(-1) ?? 'the file'
  return typeof last === 'number' ? `${nameOf(path.slice(0, -1))}[${last}]` : last
}

const segmentsOf = (path: readonly PropertyKey[]): DataPath =>
  path.map((segment) => (typeof segment === 'symbol' ? String(segment) : segment))

/** Of a union's branches, the one that the value came nearest to. */
const bestBranch = (errors: readonly (readonly Issue[])[]): readonly Issue[] => {
  const depth = (issues: readonly Issue[]): number =>
    Math.max(0, ...issues.map(({ path }) => path.length))
  return errors.reduce<readonly Issue[]>(
    (best, each) => (depth(each) > depth(best) ? each : best),
    errors[0] ?? [],
  )
}

/** Checks the value at `base` by a schema, and tells every issue where it stands in the text. */
export const schemaFaults = (
  located: Located,
  base: DataPath,
  schema: z.ZodType,
): readonly RawFault[] => {
  const parsed = schema.safeParse(dataAt(located.data, base))
  return parsed.success
    ? []
    : parsed.error.issues.flatMap((issue) => faultsOf(located, base, [], schema, issue))
}

const faultsOf = (
  located: Located,
  base: DataPath,
  within: DataPath,
  schema: z.ZodType,
  issue: Issue,
): readonly RawFault[] => {
  const local = [...within, ...segmentsOf(issue.path)]
  const path = [...base, ...local]
  const shown = nameOf(path)
  const at = (code: ErrorCode, message: string, fix?: string): readonly RawFault[] => [
    { offset: located.valueAt(path), code, message, ...(fix === undefined ? {} : { fix }) },
  ]
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const known = keysAt(schema, local)
        return unknownKey(located, [...path, key], known)
      })
    case 'invalid_type': {
      if (!located.has(path)) {
        const offset = located.keyAt(path.slice(0, -1))
        const message = `'${shown}' is missing`
        return [{ offset, code: 'ZENHOOK_CONFIG_MISSING_KEY', message }]
      }
      const value = dataAt(located.data, path)
      // A number has no unit: what is wanted says more than that it is to be a text.
      const known =
        typeof value === 'number'
          ? patternFaults.find(({ pattern }) =>
              schemasAt(schema, local).some((each) => each.pattern === pattern.source),
            )
          : undefined
      if (known !== undefined) return at(known.code, `'${shown}' ${known.message}`)
      const wanted = expectedKinds[issue.expected] ?? issue.expected
      const quotes =
        issue.expected === 'string' && typeof value !== 'object'
          ? 'Put quotes around it'
          : undefined
      return at(
        'ZENHOOK_CONFIG_BAD_TYPE',
        `'${shown}' must be ${wanted}, not ${kindOf(value)}`,
        quotes,
      )
    }
    case 'invalid_format': {
      const pattern = 'pattern' in issue ? String(issue.pattern) : ''
      const known = patternFaults.find((each) => String(each.pattern) === pattern)
      return known === undefined
        ? at('ZENHOOK_CONFIG_BAD_VALUE', `'${shown}': ${issue.message}`)
        : at(known.code, `'${shown}' ${known.message}`)
    }
    case 'invalid_union': {
      const issues = bestBranch(issue.errors)
      if (issues.every(({ path: deeper }) => deeper.length === 0) && !located.has(path)) {
        const offset = located.keyAt(path.slice(0, -1))
        const message = `'${shown}' is missing`
        return [{ offset, code: 'ZENHOOK_CONFIG_MISSING_KEY', message }]
      }
      return issues.flatMap((each) => faultsOf(located, base, local, schema, each))
    }
    case 'invalid_key': {
      const [inner] = issue.issues
      const isName = inner?.code === 'invalid_format'
      const offset = located.keyAt(path)
      return isName && 'pattern' in inner && String(inner.pattern) === String(patterns.name)
        ? [{ offset, code: 'ZENHOOK_CONFIG_BAD_NAME', message: `'${shown}' is not a DNS label` }]
        : [
            {
              offset,
              code: 'ZENHOOK_CONFIG_BAD_VALUE',
              message: `'${shown}': ${inner?.message ?? issue.message}`,
            },
          ]
    }
    case 'invalid_value':
      return at(
        'ZENHOOK_CONFIG_BAD_VALUE',
        `'${shown}' must be ${issue.values.map((value) => String(value)).join(' or ')}`,
      )
    default:
      return at('ZENHOOK_CONFIG_BAD_VALUE', `'${shown}': ${issue.message}`)
  }
}

export const unknownKey = (
  located: Located,
  path: DataPath,
  known: readonly string[],
): RawFault => {
  const key = String(path.at(-1))
  const meant = nearest(key, known)
  const hint = meant === undefined ? '' : `; did you mean '${meant}'?`
  return {
    offset: located.keyAt(path),
    code: 'ZENHOOK_CONFIG_UNKNOWN_KEY',
    message: `'${key}' is not known here${hint}`,
    ...(meant === undefined && known.length > 0
      ? { fix: `Known here: ${[...new Set(known)].join(', ')}` }
      : {}),
  }
}
