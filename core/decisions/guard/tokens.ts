import { ZenhookError } from '../../errors/index.ts'

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'operator' | 'parameter'

export interface Token {
  kind: TokenKind
  /** Canonical text: reading it again gives this one token, whatever stands beside it. */
  text: string
  /** Words in upper case, names and types as they are, operators as written. */
  value: string
  at: number
}

export const refuse = (what: string, at?: number): ZenhookError =>
  new ZenhookError('ZENHOOK_DECISIONS_QUERY_REFUSED', {
    message: at === undefined ? what : `${what} (at character ${at + 1})`,
  })

const space = /[ \t\r\n]+/y
const comment = /--[^\n]*|#[! ][^\n]*|\/\*[\s\S]*?\*\//y
const word = /[A-Za-z_][A-Za-z0-9_]*/y
const number = /(?:0x[0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(?![A-Za-z0-9_])/y
const string = /'(?:[^'\\]|\\[\s\S]|'')*'/y
const quoted = /`[^`\\]+`|"[^"\\]+"/y
const parameter = /\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*:\s*([A-Za-z0-9_() ,]+?)\s*\}/y
const operator = /::|->|<=|>=|<>|!=|==|\|\||[-+*/%=<>(),.[\]?:;]/y

/**
 * Splits a statement into tokens, dropping comments. What is not known is refused, so that nothing is
 * read here in another way than by ClickHouse: no heredocs, no Unicode quotes or spaces, no control bytes.
 */
export const tokenize = (sql: string, maxLength: number): readonly Token[] => {
  if (sql.length > maxLength) throw refuse(`The statement is longer than ${maxLength} characters`)
  const tokens: Token[] = []
  let at = 0
  const match = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at
    return pattern.exec(sql) ?? undefined
  }
  while (at < sql.length) {
    const skipped = match(space) ?? match(comment)
    if (skipped !== undefined) {
      at += skipped[0].length
      continue
    }
    const token = read(match, at, tokens.at(-1))
    if (token === undefined) throw refuse(`${shown(sql, at)} is not allowed`, at)
    tokens.push(token.token)
    at += token.length
  }
  while (tokens.at(-1)?.text === ';') tokens.pop()
  return tokens
}

const read = (
  match: (pattern: RegExp) => RegExpExecArray | undefined,
  at: number,
  before: Token | undefined,
): { token: Token; length: number } | undefined => {
  const of = (kind: TokenKind, raw: string, text = raw, value = raw) => ({
    token: { kind, text, value, at },
    length: raw.length,
  })
  // After a dot a number is the index of a tuple, never a fraction.
  const index = before?.text === '.' ? match(/\d+(?![A-Za-z0-9_])/y) : undefined
  if (index !== undefined) return of('number', index[0])
  const [kind, found] = firstOf(match)
  if (kind === undefined || found === undefined) return undefined
  const text = found[0]
  switch (kind) {
    case 'word':
      return of(kind, text, text, text.toUpperCase())
    case 'string': {
      const value = decoded(text.slice(1, -1))
      return of(kind, text, stringLiteral(value), value)
    }
    case 'quoted': {
      const name = text.slice(1, -1)
      if (!/^[\w .-]+$/.test(name)) return undefined
      return of(kind, text, `\`${name}\``, name)
    }
    case 'parameter': {
      const [, name = '', type = ''] = found
      return of(kind, text, `{${name}:${type}}`, type)
    }
    default:
      return of(kind, text)
  }
}

const patterns: readonly (readonly [TokenKind, RegExp])[] = [
  ['word', word],
  ['number', number],
  ['string', string],
  ['quoted', quoted],
  ['parameter', parameter],
  ['operator', operator],
]

const firstOf = (
  match: (pattern: RegExp) => RegExpExecArray | undefined,
): readonly [TokenKind, RegExpExecArray] | readonly [] => {
  for (const [kind, pattern] of patterns) {
    const found = match(pattern)
    if (found !== undefined) return [kind, found]
  }
  return []
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  '0': '\0',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

const decoded = (inner: string): string =>
  inner.replace(/''|\\x([0-9a-fA-F]{2})|\\([\s\S])/g, (raw, hex?: string, escaped?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    if (escaped !== undefined) return escapes[escaped] ?? raw
    return "'"
  })

/** Written so that ClickHouse ends it nowhere but at its end. */
const stringLiteral = (value: string): string => {
  let text = ''
  for (const char of value) {
    const code = char.charCodeAt(0)
    if (char === '\\' || char === "'") text += `\\${char}`
    else if (code < 0x20 || code === 0x7f) text += `\\x${code.toString(16).padStart(2, '0')}`
    else text += char
  }
  return `'${text}'`
}

const shown = (sql: string, at: number): string => {
  const point = sql.codePointAt(at) ?? 0
  return point > 0x20 && point < 0x7f
    ? String.fromCodePoint(point)
    : `U+${point.toString(16).toUpperCase().padStart(4, '0')}`
}

/** The statement as ClickHouse will get it. */
export const written = (tokens: readonly Token[]): string => {
  let text = ''
  let tight = true
  for (const token of tokens) {
    const joined = token.text === '.' || token.text === '::'
    text += tight || joined ? token.text : ` ${token.text}`
    tight = joined
  }
  return text
}
