import { type Cursor, createCursor } from './cursor.ts'
import { createExpressions } from './expressions.ts'
import { refuse, type Token } from './tokens.ts'

/** Names of tables that a SELECT may read at a place: ours, and the CTEs in scope there. */
export type Scope = ReadonlySet<string>

export const ownTables: Scope = new Set(['events', 'decisions', 'attempts'])

export interface Selects {
  /** A SELECT, or several joined by UNION, EXCEPT, INTERSECT. */
  union(scope: Scope): void
  startsSelect(): boolean
}

/** Throws ZENHOOK_DECISIONS_QUERY_REFUSED unless the tokens are one SELECT over our tables. */
export const check = (tokens: readonly Token[]): void => {
  const cursor = createCursor(tokens)
  if (cursor.peek() === undefined) throw refuse('The statement is empty')
  const selects = createSelects(cursor)
  if (!selects.startsSelect() && !cursor.is('(')) throw refuse('Only SELECT is allowed', 0)
  selects.union(ownTables)
  const rest = cursor.peek()
  if (rest !== undefined) throw refuse(`${rest.text} is not allowed here`, rest.at)
}

const createSelects = (cursor: Cursor): Selects => {
  const { accept, expect, is, nested } = cursor
  const selects: Selects = {
    union: (scope) =>
      nested(() => {
        const inner = term(scope)
        while (accept('UNION') || accept('EXCEPT') || accept('INTERSECT')) {
          if (!accept('ALL')) accept('DISTINCT')
          term(inner)
        }
      }),
    startsSelect: () => is('SELECT') || is('WITH'),
  }
  const { expression, list, orderList } = createExpressions(cursor, selects)

  // Gives the scope of its WITH, which holds for the whole union.
  const term = (scope: Scope): Scope => {
    if (accept('(')) {
      selects.union(scope)
      expect(')')
      return scope
    }
    return select(scope)
  }

  const withClause = (scope: Scope): Scope => {
    if (!accept('WITH')) return scope
    let inner = scope
    do {
      const name = cursor.name()
      if (name !== undefined && cursor.is('AS', 1) && cursor.is('(', 2)) {
        cursor.skip(3)
        if (!selects.startsSelect() && !is('(')) throw cursor.unexpected()
        selects.union(inner)
        expect(')')
        inner = new Set([...inner, name])
      } else {
        expression(inner)
      }
    } while (accept(','))
    return inner
  }

  const select = (outer: Scope): Scope => {
    const scope = withClause(outer)
    expect('SELECT')
    if (accept('DISTINCT') && accept('ON')) {
      expect('(')
      list(scope)
      expect(')')
    }
    list(scope)
    if (accept('FROM')) from(scope)
    while (accept('ARRAY') || (is('LEFT') && cursor.is('ARRAY', 1) && cursor.skip(2))) {
      expect('JOIN')
      list(scope)
    }
    if (accept('PREWHERE')) expression(scope)
    if (accept('WHERE')) expression(scope)
    if (accept('GROUP')) {
      expect('BY')
      if (!accept('ALL')) list(scope)
      if (accept('WITH') && !accept('TOTALS') && !accept('ROLLUP')) expect('CUBE')
    }
    if (accept('HAVING')) expression(scope)
    if (accept('QUALIFY')) expression(scope)
    if (accept('ORDER')) {
      expect('BY')
      if (!accept('ALL')) orderList(scope)
    }
    limits(scope)
    return scope
  }

  const limits = (scope: Scope): void => {
    while (accept('LIMIT')) {
      expression(scope)
      if (accept(',') || accept('OFFSET')) expression(scope)
      if (accept('BY')) list(scope)
    }
    if (accept('OFFSET')) {
      expression(scope)
      if (!accept('ROWS')) accept('ROW')
    }
  }

  const from = (scope: Scope): void => {
    table(scope)
    for (;;) {
      if (accept(',')) {
        table(scope)
        continue
      }
      if (!join()) return
      table(scope)
      if (accept('ON')) expression(scope)
      else if (accept('USING')) {
        const parenthesised = accept('(')
        do cursor.identifier()
        while (accept(','))
        if (parenthesised) expect(')')
      }
    }
  }

  const joinWords = [
    'INNER',
    'LEFT',
    'RIGHT',
    'FULL',
    'CROSS',
    'OUTER',
    'ANY',
    'ALL',
    'SEMI',
    'ANTI',
    'ASOF',
  ]
  const join = (): boolean => {
    let ahead = 0
    while (joinWords.some((word) => cursor.is(word, ahead))) ahead += 1
    if (!cursor.is('JOIN', ahead)) return false
    cursor.skip(ahead + 1)
    return true
  }

  const table = (scope: Scope): void => {
    const token = cursor.peek()
    if (accept('(')) {
      selects.union(scope)
      expect(')')
    } else {
      const name = cursor.identifier()
      if (!scope.has(name) || is('(') || is('.'))
        throw refuse(`${name} is not one of the tables events, decisions and attempts`, token?.at)
    }
    accept('FINAL')
    cursor.alias()
    accept('FINAL')
  }

  return selects
}
