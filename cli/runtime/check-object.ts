import type { ObjectPlace } from '../../api/types.ts'
import { connectors } from '../../connectors/index.ts'
import { lackingSecrets } from '../../core/config/component.ts'
import { nearest } from '../../core/config/nearest.ts'
import { messageOf, ZenhookError } from '../../core/errors/index.ts'
import { compileCondition } from '../../core/expression/condition.ts'
import { compileTransform } from '../../core/expression/transform.ts'
import { targetFault } from '../../core/net/registration.ts'
import { checkConfig } from '../../core/registry/config/index.ts'
import { parseObject } from '../../core/registry/objects.ts'
import type { AnyObject } from '../../core/registry/port.ts'
import type { Route, Snapshot, Source } from '../../core/registry/types.ts'
import { components } from '../components.ts'

/**
 * One object that may be published beside what is: as `GET` gives it, or as it stands in a configuration
 * file, with its short forms and defaults. Throws ZENHOOK_API_INVALID with every place that is wrong.
 */
export const checkObject = (place: ObjectPlace, spec: object, present: Snapshot): AnyObject => {
  const object = asPublished(place, spec)
  if (object === undefined) return fromFile(place, spec, present)
  if (object.kind === 'source') checkSource(object.spec)
  if (object.kind === 'destination') checkDestination(object.spec)
  if (object.kind === 'route') checkRoute(object.spec, present)
  return object
}

const asPublished = ({ kind, tenant, name }: ObjectPlace, spec: object): AnyObject | undefined => {
  try {
    return parseObject({ kind, spec: { ...spec, tenant, name } })
  } catch {
    return undefined
  }
}

// The depth of the object's own keys in the document around it: the same in a map as in a list.
const ownDepth = 5
const plurals = { source: 'sources', destination: 'destinations' } as const

const documentOf = (
  { kind, tenant, name }: ObjectPlace,
  spec: object,
  present: Snapshot,
): string => {
  const inTenant = (content: object): string =>
    JSON.stringify({ tenants: { [tenant]: content } }, null, 1)
  const { tenant: _tenant, name: _name, ...own } = spec as Record<string, unknown>
  if (kind !== 'route') return inTenant({ [plurals[kind]]: { [name]: own } })
  // A route is checked against the destinations that there are.
  const known = [...present.destinations()].filter((each) => each.tenant === tenant)
  const destinations = Object.fromEntries(known.map((each) => [each.name, { connector: 'bin' }]))
  return inTenant({ routes: [{ name, ...own }], destinations })
}

const fromFile = (place: ObjectPlace, spec: object, present: Snapshot): AnyObject => {
  const { kind, tenant, name } = place
  const text = documentOf(place, spec, present)
  const { objects, faults } = checkConfig(text, 'object', components)
  if (faults.length > 0) {
    throw invalid(
      `The ${kind} ${tenant}/${name} is not valid`,
      faults.map(({ line, message }) => ({
        pointer: pointerAt(text, line),
        detail: message,
      })),
    )
  }
  const found = objects.find((object) => object.kind === kind && object.spec.name === name)
  if (found === undefined) throw invalid(`The ${kind} ${tenant}/${name} is empty`, [])
  return found.kind === 'route' ? placed(found, present) : found
}

/** A route keeps its place among the others; a new one comes last. */
const placed = (object: AnyObject & { kind: 'route' }, present: Snapshot): AnyObject => {
  const { tenant, name } = object.spec
  const others = present.routes(tenant)
  const last = Math.max(-1, ...others.map(({ index }) => index))
  const index = others.find((route) => route.name === name)?.index ?? last + 1
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

const invalid = (
  message: string,
  errors: readonly { pointer: string; detail: string }[],
): ZenhookError => new ZenhookError('ZENHOOK_API_INVALID', { message, details: { errors } })

const wrong = (pointer: string, detail: string): ZenhookError =>
  invalid(`${pointer}: ${detail}`, [{ pointer: `#/${pointer}`, detail }])

const checkSource = (spec: Source): void => {
  const fault = components.verifyFault?.(spec)
  if (fault !== undefined) throw wrong(['verify', ...fault.path].join('/'), fault.message)
}

const checkDestination = (spec: {
  connector: string
  config: unknown
  secrets: Readonly<Record<string, unknown>>
  allowPrivate: boolean
}): void => {
  const kind = connectors.find((each) => each.spec.name === spec.connector)
  if (kind === undefined) {
    const names = connectors.map((each) => each.spec.name)
    const near = nearest(spec.connector, names)
    const hint = near === undefined ? '' : `; did you mean ${near}?`
    throw wrong('connector', `there is no connector ${spec.connector}${hint}`)
  }
  const parsed = kind.spec.config.safeParse(spec.config)
  if (parsed.success) {
    for (const key of kind.spec.targets ?? []) {
      const url: unknown = Reflect.get(Object(spec.config), key)
      const fault = typeof url === 'string' ? targetFault(url, spec.allowPrivate) : undefined
      if (fault !== undefined) throw wrong(`config/${key}`, fault)
    }
    const [lacking] = lackingSecrets(kind.spec, spec.secrets)
    if (lacking !== undefined) throw wrong('secrets', lacking)
    return
  }
  const [issue] = parsed.error.issues
  throw wrong(['config', ...(issue?.path ?? [])].map(String).join('/'), issue?.message ?? '')
}

const checkRoute = (route: Route, present: Snapshot): void => {
  for (const name of route.to) {
    if (present.destination(route.tenant, name) === undefined) {
      throw wrong('to', `tenant ${route.tenant} has no destination ${name}`)
    }
  }
  try {
    compileCondition(route.when)
  } catch (error) {
    throw wrong('when', messageOf(error))
  }
  if (route.transform === undefined) return
  try {
    compileTransform(route.transform)
  } catch (error) {
    throw wrong('transform', messageOf(error))
  }
}
