import type { Preset } from '../../ingress/providers/preset.ts'
import { rewritten } from '../../ingress/verifiers/body.ts'
import type { draftOf } from '../../ingress/verifiers/index.ts'

type Pick = NonNullable<Preset['deliveryId']>
type Unsigned = ReturnType<typeof draftOf>

interface Places {
  headers: string[]
  paths: string[]
}

/** Every place that the provider's delivery id may come from. */
const placesOf = (pick: Pick): Places => {
  if ('header' in pick) return { headers: [pick.header], paths: [] }
  if ('body' in pick) return { headers: [], paths: [pick.body] }
  const inner = 'first' in pick ? pick.first : 'join' in pick ? pick.join : []
  const all = inner.map(placesOf)
  return {
    headers: all.flatMap(({ headers }) => headers),
    paths: all.flatMap(({ paths }) => paths),
  }
}

/** The same sample as another delivery: its delivery id is new wherever the sample carries one. */
export const freshDelivery = (preset: Preset, draft: Unsigned, id: string): Unsigned => {
  const picks = [preset.deliveryId, ...preset.schemes.map(({ deliveryId }) => deliveryId)]
  const places = picks.filter((pick) => pick !== undefined).map(placesOf)
  const names = places.flatMap(({ headers }) => headers)
  const headers = Object.fromEntries(
    Object.entries(draft.headers ?? {}).map(([name, value]) => [
      name,
      names.includes(name.toLowerCase()) ? id : value,
    ]),
  )
  // A path through an array (an event in a batch) stays: each item has an id of its own there.
  const paths = places.flatMap((place) => place.paths).filter((path) => !/[*[]/.test(path))
  return { ...draft, headers, body: freshBody(draft.body, paths, id) }
}

const decoder = new TextDecoder()

// Where the signature covers the body alone, two deliveries with one body are a replay: each says its own id.
const marker = 'zenhook_sample'

const freshBody = (
  body: Unsigned['body'],
  paths: readonly string[],
  id: string,
): Unsigned['body'] => {
  const text = typeof body === 'string' ? body : decoder.decode(body)
  if (!text.startsWith('{')) {
    return /^[\w%.+-]+=/.test(text) ? `${text}&${marker}=${id}` : body
  }
  const present = paths.filter((path) => hasPath(JSON.parse(text), path))
  const values = Object.fromEntries(
    (present.length === 0 ? [marker] : present).map((path) => [path, id]),
  )
  return rewritten(new TextEncoder().encode(text), values)
}

const hasPath = (value: unknown, path: string): boolean => {
  let at = value
  for (const step of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return false
    at = Reflect.get(at, step)
  }
  return true
}
