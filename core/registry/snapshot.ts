import { createHash } from 'node:crypto'
import type { AnyObject } from './port.ts'
import type { Destination, Route, Snapshot, Source } from './types.ts'

const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, member]) => [key, canonical(member)]),
  )
}

/** JSON with sorted members: the same content, the same text. */
export const canonicalJson = (value: unknown): string => JSON.stringify(canonical(value))

/** Key of an object in the topic `registry` and in maps. Names hold no slash. */
export const objectKey = (object: { kind: string; tenant: string; name: string }): string =>
  `${object.kind}/${object.tenant}/${object.name}`

export const keyOf = ({ kind, spec }: AnyObject): string =>
  objectKey({ kind, tenant: spec.tenant, name: spec.name })

const frozen = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const member of Object.values(value)) frozen(member)
  }
  return value
}

/** Makes an object immutable, all the way down. */
export const freezeObject = (object: AnyObject): AnyObject => {
  frozen(object.spec)
  return object
}

const texts = new WeakMap<object, string>()
/** An object's content as canonical JSON; remembered once it can no longer change. */
export const textOf = ({ spec }: AnyObject): string => {
  const known = texts.get(spec)
  if (known !== undefined) return known
  const text = canonicalJson(spec)
  if (Object.isFrozen(spec)) texts.set(spec, text)
  return text
}

/** Names the content: order of publication and of members play no part. */
export const revisionOf = (objects: Iterable<AnyObject>): string => {
  const lines = [...objects].map((object) => `${keyOf(object)} ${textOf(object)}`)
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex').slice(0, 16)
}

/** The configuration at one revision: immutable (the objects are frozen), every look-up by a Map. */
export const snapshotOf = (objects: Iterable<AnyObject>, publishedAt: number): Snapshot => {
  const all = [...objects]
  const sources = new Map<string, Source>()
  const destinations = new Map<string, Destination>()
  const routes = new Map<string, Route[]>()
  const tenants = new Set<string>()
  for (const object of all) {
    freezeObject(object)
    tenants.add(object.spec.tenant)
    const key = keyOf(object)
    if (object.kind === 'source') sources.set(key, object.spec)
    if (object.kind === 'destination') destinations.set(key, object.spec)
    if (object.kind === 'route') {
      routes.set(object.spec.tenant, [...(routes.get(object.spec.tenant) ?? []), object.spec])
    }
  }
  for (const list of routes.values()) {
    list.sort((one, other) => one.index - other.index || (one.name < other.name ? -1 : 1))
    Object.freeze(list)
  }
  const names = Object.freeze([...tenants].sort())
  const none: readonly Route[] = Object.freeze([])
  return Object.freeze({
    revision: revisionOf(all),
    publishedAt,
    tenants: () => names,
    source: (tenant: string, name: string) =>
      sources.get(objectKey({ kind: 'source', tenant, name })),
    destination: (tenant: string, name: string) =>
      destinations.get(objectKey({ kind: 'destination', tenant, name })),
    routes: (tenant: string) => routes.get(tenant) ?? none,
    sources: () => sources.values(),
    destinations: () => destinations.values(),
  })
}

/** Every object of a snapshot, for publishing it again or writing it to disk. */
export const objectsOf = (snapshot: Snapshot): readonly AnyObject[] => [
  ...[...snapshot.sources()].map((spec): AnyObject => ({ kind: 'source', spec })),
  ...[...snapshot.destinations()].map((spec): AnyObject => ({ kind: 'destination', spec })),
  ...snapshot
    .tenants()
    .flatMap((tenant) =>
      snapshot.routes(tenant).map((spec): AnyObject => ({ kind: 'route', spec })),
    ),
]
