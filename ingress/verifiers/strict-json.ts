import { isBoundedJson } from '../../core/event/bounds.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Whether valid JSON names a member twice in one object. Iterative: depth costs no stack. */
export const hasDuplicates = (text: string): boolean => {
  const open: (Set<string> | undefined)[] = []
  let names: Set<string> | undefined
  let wantsName = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '"') {
      const start = at
      for (at++; text[at] !== '"'; at++) if (text[at] === '\\') at++
      if (!wantsName || !names) continue
      const name = JSON.parse(text.slice(start, at + 1)) as string
      if (names.has(name)) return true
      names.add(name)
      wantsName = false
    } else if (char === '{' || char === '[') {
      open.push(names)
      names = char === '{' ? new Set() : undefined
      wantsName = char === '{'
    } else if (char === '}' || char === ']') {
      names = open.pop()
      wantsName = false
    } else if (char === ',') wantsName = names !== undefined
  }
  return false
}

export type JsonObject = Readonly<Record<string, unknown>>

/**
 * An object of UTF-8 JSON that every reader understands alike: no duplicate member, no byte-order mark. For what is
 * signed field by field, where two readings would be two messages.
 */
export const strictObject = (bytes: Uint8Array): JsonObject | undefined => {
  if (!isBoundedJson(bytes)) return undefined
  try {
    const text = decoder.decode(bytes)
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return hasDuplicates(text) ? undefined : (value as JsonObject)
  } catch {
    return undefined
  }
}
