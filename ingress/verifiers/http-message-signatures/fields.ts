/** The few structured fields (RFC 8941) that RFC 9421 and RFC 9530 need: dictionaries of inner lists and of bytes. */

export type Bare = string | number | boolean | Uint8Array

export interface Component {
  readonly name: string
  readonly params: ReadonlyMap<string, Bare>
}

export interface InnerList {
  readonly components: readonly Component[]
  readonly params: ReadonlyMap<string, Bare>
  /** As it was sent: what the signature base repeats. */
  readonly raw: string
}

const MAX = 8_192

interface Cursor {
  readonly text: string
  at: number
}

class Unreadable extends Error {}

const fail = (): never => {
  throw new Unreadable()
}

const take = (cursor: Cursor, pattern: RegExp): string | undefined => {
  pattern.lastIndex = cursor.at
  const found = pattern.exec(cursor.text)?.[0]
  if (found !== undefined) cursor.at += found.length
  return found
}

const key = (cursor: Cursor): string => take(cursor, /[a-z*][a-z0-9_.*-]*/y) ?? fail()

const bare = (cursor: Cursor): Bare => {
  const text = take(cursor, /"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y)
  if (text !== undefined) return text.slice(1, -1).replace(/\\(.)/g, '$1')
  const bytes = take(cursor, /:[A-Za-z0-9+/]*={0,2}:/y)
  if (bytes !== undefined) return Buffer.from(bytes.slice(1, -1), 'base64')
  const integer = take(cursor, /-?\d{1,15}(?![\d.])/y)
  if (integer !== undefined) return Number(integer)
  const boolean = take(cursor, /\?[01]/y)
  if (boolean !== undefined) return boolean === '?1'
  return take(cursor, /[A-Za-z*][\w!#$%&'*+.^`|~:/-]*/y) ?? fail()
}

const params = (cursor: Cursor): Map<string, Bare> => {
  const found = new Map<string, Bare>()
  while (take(cursor, /; */y) !== undefined) {
    const name = key(cursor)
    if (found.has(name)) fail()
    found.set(name, take(cursor, /=/y) === undefined ? true : bare(cursor))
  }
  return found
}

const innerList = (cursor: Cursor): InnerList => {
  const start = cursor.at
  if (take(cursor, /\( */y) === undefined) fail()
  const components: Component[] = []
  while (take(cursor, /\)/y) === undefined) {
    const name = bare(cursor)
    if (typeof name !== 'string') fail()
    components.push({ name: String(name), params: params(cursor) })
    if (take(cursor, / +/y) === undefined && cursor.text[cursor.at] !== ')') fail()
  }
  const own = params(cursor)
  return { components, params: own, raw: cursor.text.slice(start, cursor.at) }
}

const dictionary = <T>(
  text: string,
  value: (cursor: Cursor) => T,
): ReadonlyMap<string, T> | undefined => {
  if (text.length > MAX) return undefined
  const cursor = { text: text.trim(), at: 0 }
  const found = new Map<string, T>()
  try {
    for (;;) {
      const name = key(cursor)
      if (found.has(name) || take(cursor, /=/y) === undefined) return undefined
      found.set(name, value(cursor))
      if (cursor.at === cursor.text.length) return found
      if (take(cursor, /[ \t]*,[ \t]*/y) === undefined) return undefined
    }
  } catch (error) {
    if (error instanceof Unreadable) return undefined
    throw error
  }
}

export const innerLists = (text: string): ReadonlyMap<string, InnerList> | undefined =>
  dictionary(text, innerList)

export const byteSequences = (text: string): ReadonlyMap<string, Uint8Array> | undefined =>
  dictionary(text, (cursor) => {
    const value = bare(cursor)
    params(cursor)
    return value instanceof Uint8Array ? value : fail()
  })
