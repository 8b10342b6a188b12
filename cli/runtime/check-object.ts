import type { ObjectPlace } from '../../api/types.ts'
import { formatDuration, formatSize } from '../../core/config/units.ts'
import { ZenhookError } from '../../core/errors/index.ts'
import { checkConfig } from '../../core/registry/config/index.ts'
import type { AnyObject } from '../../core/registry/port.ts'
import { components } from '../components.ts'

/**
 * One object that may be published beside what is: as `GET` gives it, or as it stands in a configuration
 * file, with its short forms and defaults; both are held against the same rules. Throws ZENHOOK_API_INVALID
 * with every place that is wrong.
 */
export const checkObject = (
  place: ObjectPlace,
  spec: object,
  present: readonly AnyObject[],
): AnyObject => {
  const { kind, tenant, name } = place
  const { tenant: _tenant, name: _name, index, ...own } = fileFormOf(spec)
  if (kind !== 'route' && index !== undefined) throw wrong('index', `a ${kind} has no place`)
  if (index !== undefined && !isPlace(index)) {
    throw wrong('index', `'index' must be a whole number from 0 to ${lastPlace}`)
  }
  const text = documentOf(place, own, present)
  const { objects, faults } = checkConfig(text, 'object', components)
  if (faults.length > 0) {
    const errors = faults.map(({ line, message }) => ({
      pointer: pointerAt(text, line),
      detail: message,
    }))
    const said = errors.map((each) => asSaid(spec, each))
    throw invalid(`The ${kind} ${tenant}/${name} is not valid`, said)
  }
  const found = objects.find((object) => object.kind === kind && object.spec.name === name)
  if (found === undefined) throw invalid(`The ${kind} ${tenant}/${name} is empty`, [])
  return found.kind === 'route' ? placed(found, index, present) : found
}

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isWhole = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0
const lastPlace = 1_000_000_000
const isPlace = (value: unknown): value is number => isWhole(value) && value <= lastPlace

/** Milliseconds, in what a file calls them. */
const durations = [
  { part: 'dedupe', published: 'windowMs', inFile: 'window' },
  { part: 'retry', published: 'delaysMs', inFile: 'schedule' },
] as const

const durationText = (place: string, value: unknown): string => {
  if (!isWhole(value)) throw wrong(place, 'must be milliseconds: whole numbers from 0')
  return formatDuration(value)
}
// A file calls it the same: what is no whole number is a text with a unit there, or refused.
const sizeText = (value: unknown): unknown => (isWhole(value) ? formatSize(value) : value)

/** The numbers that `GET` gives, as a file has them: texts with a unit. */
const fileFormOf = (spec: object): Fields => {
  const fields: Record<string, unknown> = { ...spec }
  if (Object.hasOwn(fields, 'maxBody')) fields.maxBody = sizeText(fields.maxBody)
  for (const { part, published, inFile } of durations) {
    const given = fields[part]
    // Both names at once contradict each other: the published one stays, and is not known in a file.
    if (!isFields(given) || !Object.hasOwn(given, published) || Object.hasOwn(given, inFile))
      continue
    const { [published]: value, ...others } = given
    const place = `${part}/${published}`
    const text = Array.isArray(value)
      ? value.map((each) => durationText(place, each))
      : durationText(place, value)
    fields[part] = { ...others, [inFile]: text }
  }
  return fields
}

interface Wrong {
  pointer: string
  detail: string
}

/** A fault under the name that the author used. */
const asSaid = (spec: object, { pointer, detail }: Wrong): Wrong => {
  const renamed = durations.find(({ part, published, inFile }) => {
    const given: unknown = Reflect.get(spec, part)
    return pointer === `#/${part}/${inFile}` && isFields(given) && Object.hasOwn(given, published)
  })
  if (renamed === undefined) return { pointer, detail }
  const { part, published, inFile } = renamed
  return {
    pointer: `#/${part}/${published}`,
    detail: detail.replace(`'${inFile}`, `'${published}`),
  }
}

// The depth of the object's own keys in the document around it: the same in a map as in a list.
const ownDepth = 5
const plurals = { source: 'sources', destination: 'destinations' } as const

const documentOf = (
  { kind, tenant, name }: ObjectPlace,
  own: Fields,
  present: readonly AnyObject[],
): string => {
  const inTenant = (content: object): string =>
    JSON.stringify({ tenants: { [tenant]: content } }, null, 1)
  if (kind !== 'route') return inTenant({ [plurals[kind]]: { [name]: own } })
  // A route is checked against the destinations that there are.
  const destinations = present
    .filter((each) => each.kind === 'destination' && each.spec.tenant === tenant)
    .map((each) => [each.spec.name, { connector: 'bin' }])
  return inTenant({
    routes: [{ name, ...own }],
    destinations: Object.fromEntries(destinations),
  })
}

/** A route stands where it says, or keeps its place among the others; a new one comes last. */
const placed = (
  object: AnyObject & { kind: 'route' },
  said: number | undefined,
  present: readonly AnyObject[],
): AnyObject => {
  const { tenant, name } = object.spec
  const others = present.flatMap(({ kind, spec }) =>
    kind === 'route' && spec.tenant === tenant ? [spec] : [],
  )
  const last = Math.max(-1, ...others.map(({ index }) => index))
  const index = said ?? others.find((route) => route.name === name)?.index ?? last + 1
  return { kind: 'route', spec: { ...object.spec, index } }
}

/** Of a document indented by one blank a level: the keys above a line, below the object itself. */
const pointerAt = (text: string, line: number): string => {
  const keys: string[] = []
  let above = Number.POSITIVE_INFINITY
  for (const each of text.split('\n').slice(0, line).reverse()) {
    const [, indent = '', key] = /^( *)"((?:[^"\\]|\\.)*)":/.exec(each) ?? []
    if (key === undefined || indent.length >= above || indent.length < ownDepth) continue
    above = indent.length
    keys.unshift(key)
  }
  return `#/${keys.join('/')}`
}

const invalid = (message: string, errors: readonly Wrong[]): ZenhookError =>
  new ZenhookError('ZENHOOK_API_INVALID', { message, details: { errors } })

/** One place of an object that is wrong. */
export const wrong = (pointer: string, detail: string): ZenhookError =>
  invalid(`${pointer}: ${detail}`, [{ pointer: `#/${pointer}`, detail }])
