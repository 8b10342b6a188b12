import type { ZenhookError } from '../../errors/index.ts'
import { refuse, type Token } from './tokens.ts'

/** Reads tokens one after another. */
export interface Cursor {
  peek(ahead?: number): Token | undefined
  /** Whether a keyword or operator stands there; quoted names and strings never count as one. */
  is(text: string, ahead?: number): boolean
  accept(text: string): boolean
  expect(text: string): void
  skip(count: number): true
  /** The name that stands here, if a name may stand here, without taking it. */
  name(): string | undefined
  /** Takes a name. */
  identifier(): string
  /** Takes `AS name`, or a bare name that is no keyword, if there is one. */
  alias(): void
  /** Runs within a bound of nesting. */
  nested<T>(work: () => T): T
  unexpected(): ZenhookError
}

const maxDepth = 60

/** Words that never name anything unless they are quoted. */
const keywords = new Set(
  `SELECT FROM WHERE PREWHERE GROUP HAVING QUALIFY ORDER LIMIT UNION EXCEPT INTERSECT JOIN INNER LEFT RIGHT FULL CROSS
  OUTER ANY ALL SEMI ANTI ASOF GLOBAL ARRAY ON USING AS SETTINGS FORMAT INTO WINDOW SAMPLE FINAL AND OR NOT
  IN LIKE ILIKE BETWEEN IS CASE WHEN THEN ELSE END ASC DESC NULLS WITH DISTINCT BY INTERVAL OUTFILE PARALLEL
  INSERT EXPLAIN DESCRIBE SHOW SET SYSTEM DROP CREATE ALTER ATTACH DETACH TRUNCATE OPTIMIZE KILL USE GRANT
  REVOKE EXCHANGE RENAME UNDROP APPLY REPLACE COLUMNS DIV MOD OVER FILTER IGNORE RESPECT`.split(
    /\s+/,
  ),
)
/** Columns of ours that are keywords elsewhere: they are names where a value may stand, no bare aliases. */
const noAlias = new Set(['OFFSET', 'PARTITION', 'ROWS', 'ROW', 'TOTALS', 'ROLLUP', 'CUBE', 'FETCH'])

export const createCursor = (tokens: readonly Token[]): Cursor => {
  let position = 0
  let depth = 0
  const peek = (ahead = 0): Token | undefined => tokens[position + ahead]

  const is = (text: string, ahead = 0): boolean => {
    const token = peek(ahead)
    return (
      token !== undefined &&
      (token.kind === 'word' || token.kind === 'operator') &&
      token.value === text
    )
  }

  const unexpected = (): ZenhookError => {
    const token = peek()
    return token === undefined
      ? refuse('The statement ends early')
      : refuse(`${token.text} is not allowed here`, token.at)
  }

  const accept = (text: string): boolean => {
    if (!is(text)) return false
    position += 1
    return true
  }

  const name = (): string | undefined => {
    const token = peek()
    if (token?.kind === 'quoted') return token.value
    if (token?.kind === 'word' && !keywords.has(token.value)) return token.text
    return undefined
  }

  const identifier = (): string => {
    const found = name()
    if (found === undefined) throw unexpected()
    position += 1
    return found
  }

  return {
    peek,
    is,
    accept,
    expect: (text) => {
      if (!accept(text)) throw unexpected()
    },
    skip: (count) => {
      position += count
      return true
    },
    name,
    identifier,
    alias: () => {
      if (accept('AS')) identifier()
      else if (name() !== undefined && !noAlias.has(peek()?.value ?? '')) identifier()
    },
    nested: (work) => {
      depth += 1
      if (depth > maxDepth) throw refuse(`The statement is nested deeper than ${maxDepth} levels`)
      const result = work()
      depth -= 1
      return result
    },
    unexpected,
  }
}
