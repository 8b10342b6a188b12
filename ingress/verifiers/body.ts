import { isBoundedForm, isBoundedJson, startsLikeJson } from '../../core/event/bounds.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

export const isForm = (contentType: string): boolean =>
  contentType.split(';', 1)[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded'

// Some providers (GitHub, Slack) send a form whose one field is the JSON.
const formOf = (text: string): unknown => {
  const fields: Record<string, string> = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) fields[name] ??= value
  const { payload } = fields
  if (payload === undefined) return fields
  try {
    return isBoundedJson(Buffer.from(payload)) ? JSON.parse(payload) : fields
  } catch {
    return fields
  }
}

/** As forms are written: no brace or bracket before the first `=`. */
const formLike = /^[\w.%+*~!$'(),:@/-]{1,256}=/

/** Whether it is to be read as a form. No type makes a form of what begins as JSON does. */
const readsAsForm = (contentType: string, bytes: Uint8Array): boolean =>
  !startsLikeJson(bytes) &&
  (isForm(contentType) || formLike.test(Buffer.from(bytes.subarray(0, 300)).toString('latin1')))

/** Whether what `parseBody` makes of it is what its type says, too. */
export const isAsSaid = (contentType: string, bytes: Uint8Array): boolean =>
  isForm(contentType) || !readsAsForm(contentType, bytes)

/**
 * The body as JSON, or a form as an object of strings; `undefined` when it is neither, or would take too long to
 * be parsed. The bytes decide, for the type is hardly ever signed: where it decided, bytes that were sent again
 * under another type would have another id, or none. Never throws.
 */
export const parseBody = (contentType: string, bytes: Uint8Array): unknown => {
  if (bytes.length === 0) return undefined
  try {
    const form = readsAsForm(contentType, bytes)
    if (!(form ? isBoundedForm(bytes) : isBoundedJson(bytes))) return undefined
    const text = decoder.decode(bytes)
    return form ? formOf(text) : JSON.parse(text)
  } catch {
    return undefined
  }
}

const own = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined

const MAX_VALUES = 1_000

/** Every scalar that a path names: `a.0.b`, with `*` for each item of an array, at most 1,000. */
export const valuesAt = (root: unknown, path: string): readonly string[] => {
  let found: unknown[] = [root]
  for (const step of path.split('.')) {
    const next: unknown[] = []
    for (const value of found) {
      if (step === '*') {
        if (Array.isArray(value)) next.push(...value.slice(0, MAX_VALUES))
      } else {
        const member = own(value, step)
        if (member !== undefined) next.push(member)
      }
    }
    found = next.slice(0, MAX_VALUES)
  }
  return found.flatMap((value) => {
    const text = scalar(value)
    return text === undefined ? [] : [text]
  })
}

export const valueAt = (root: unknown, path: string): string | undefined => valuesAt(root, path)[0]

export const scalar = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return undefined
}

/** The body as an object that a signer may add fields to. */
export const rewritten = (
  bytes: Uint8Array,
  values: Readonly<Record<string, unknown>>,
): Uint8Array => {
  const root: unknown = bytes.length > 0 ? JSON.parse(decoder.decode(bytes)) : {}
  for (const [path, value] of Object.entries(values)) {
    const steps = path.split('.')
    const last = steps.pop() ?? ''
    let at: unknown = root
    for (const step of steps) {
      if (own(at, step) === undefined && typeof at === 'object' && at !== null)
        Object.assign(at, { [step]: {} })
      at = own(at, step)
    }
    if (typeof at === 'object' && at !== null) Object.assign(at, { [last]: value })
  }
  return new TextEncoder().encode(JSON.stringify(root))
}
