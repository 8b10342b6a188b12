import type { Scope, Selects } from './check.ts'
import type { Cursor } from './cursor.ts'
import { allowedFunctions, allowedTypeFunctions, allowedTypes } from './functions.ts'
import { refuse, tokenize } from './tokens.ts'

/** `name` is the name that the expression is, if it is nothing else: after IN that would be a table. */
interface Shape {
  name?: string
}
const compound: Shape = {}

export interface Expressions {
  expression(scope: Scope): Shape
  /** One or more, with commas; gives how many, and the shape of the last. */
  list(scope: Scope): { count: number; last: Shape }
  orderList(scope: Scope): void
}

const binary = [
  ...['+', '-', '*', '/', '%', '=', '==', '!=', '<>', '<', '<=', '>', '>=', '||', '->', '?', ':'],
  ...['AND', 'OR', 'DIV', 'MOD'],
]

export const createExpressions = (cursor: Cursor, selects: Selects): Expressions => {
  const { accept, expect, is, nested } = cursor

  const expression = (scope: Scope): Shape =>
    nested(() => {
      let shape = operand(scope)
      while (binary.some(accept)) {
        operand(scope)
        shape = compound
      }
      cursor.alias()
      return shape
    })

  const operand = (scope: Scope): Shape => {
    let signed = false
    while (accept('NOT') || accept('-') || accept('+')) signed = true
    const shape = primary(scope)
    return postfixes(scope) || signed ? compound : shape
  }

  const list = (scope: Scope) => {
    let count = 0
    let last = compound
    do {
      last = expression(scope)
      count += 1
    } while (accept(','))
    return { count, last }
  }

  const orderList = (scope: Scope): void => {
    do {
      expression(scope)
      if (!accept('ASC')) accept('DESC')
      if (accept('NULLS') && !accept('FIRST')) expect('LAST')
    } while (accept(','))
  }

  const primary = (scope: Scope): Shape => {
    const token = cursor.peek()
    if (token === undefined) throw cursor.unexpected()
    if (token.kind === 'number' || token.kind === 'string') cursor.skip(1)
    else if (token.kind === 'parameter') parameter(token.value, token.at)
    else if (accept('(')) return parenthesis(scope)
    else if (accept('[')) {
      if (!is(']')) list(scope)
      expect(']')
    } else if (accept('*')) exceptColumns()
    else if (accept('CASE')) caseExpression(scope)
    else if (is('CAST') && cursor.is('(', 1)) castExpression(scope)
    else if (accept('INTERVAL')) {
      operand(scope)
      cursor.identifier()
    } else if (is('EXISTS') && cursor.is('(', 1)) {
      cursor.skip(2)
      selects.union(scope)
      expect(')')
    } else return path(scope)
    return compound
  }

  const parenthesis = (scope: Scope): Shape => {
    if (accept(')')) return compound
    if (selects.startsSelect()) {
      selects.union(scope)
      expect(')')
      return compound
    }
    const { count, last } = list(scope)
    if (accept(',')) throw cursor.unexpected()
    expect(')')
    return count === 1 ? last : compound
  }

  const exceptColumns = (): void => {
    if (!is('EXCEPT') || !(cursor.is('(', 1) && !cursor.is('SELECT', 2) && !cursor.is('WITH', 2)))
      return
    cursor.skip(2)
    do cursor.identifier()
    while (accept(','))
    expect(')')
  }

  const caseExpression = (scope: Scope): void => {
    if (!is('WHEN')) expression(scope)
    while (accept('WHEN')) {
      expression(scope)
      expect('THEN')
      expression(scope)
    }
    if (accept('ELSE')) expression(scope)
    expect('END')
  }

  const castExpression = (scope: Scope): void => {
    cursor.skip(2)
    // `CAST(x AS Type)`: the alias of an expression would swallow the type, so the operand is read without.
    operand(scope)
    while (binary.some(accept)) operand(scope)
    expect('AS')
    type()
    expect(')')
  }

  const path = (scope: Scope): Shape => {
    const token = cursor.peek()
    // Some functions are keywords elsewhere: left(), right(), any(), format(), array().
    if (token?.kind === 'word' && cursor.is('(', 1)) {
      cursor.skip(1)
      return call(token.text, token.at, scope)
    }
    const first = cursor.identifier()
    if (is('(')) return call(first, token?.at ?? 0, scope)
    let dotted = false
    while (accept('.')) {
      dotted = true
      if (accept('*')) {
        exceptColumns()
        return compound
      }
      if (cursor.peek()?.kind === 'number') cursor.skip(1)
      else if (accept(':')) type()
      else cursor.identifier()
    }
    if (is('(')) throw cursor.unexpected()
    return { name: dotted ? `${first}.` : first }
  }

  const call = (name: string, at: number, scope: Scope): Shape => {
    if (!allowedFunctions.has(name.toLowerCase()))
      throw refuse(`The function ${name} is not allowed`, at)
    arguments_(scope)
    // Parametric aggregates: quantile(0.9)(took_ms).
    if (is('(')) arguments_(scope)
    if (accept('FILTER')) {
      expect('(')
      expect('WHERE')
      expression(scope)
      expect(')')
    }
    if (accept('OVER')) overClause(scope)
    return compound
  }

  const arguments_ = (scope: Scope): void => {
    expect('(')
    accept('DISTINCT')
    if (!is(')')) {
      do {
        if (selects.startsSelect()) selects.union(scope)
        else expression(scope)
      } while (accept(','))
    }
    expect(')')
  }

  const overClause = (scope: Scope): void => {
    expect('(')
    if (accept('PARTITION')) {
      expect('BY')
      list(scope)
    }
    if (accept('ORDER')) {
      expect('BY')
      orderList(scope)
    }
    if (accept('ROWS') || accept('RANGE')) {
      const between = accept('BETWEEN')
      bound()
      if (between) {
        expect('AND')
        bound()
      }
    }
    expect(')')
  }

  const bound = (): void => {
    if (accept('CURRENT')) {
      expect('ROW')
      return
    }
    if (!accept('UNBOUNDED')) {
      if (cursor.peek()?.kind !== 'number') throw cursor.unexpected()
      cursor.skip(1)
    }
    if (!accept('PRECEDING')) expect('FOLLOWING')
  }

  /** What may follow a value; gives whether anything did. */
  const postfixes = (scope: Scope): boolean => {
    let any = false
    for (;;) {
      const negated = is('NOT') ? 1 : 0
      if (accept('::')) type()
      else if (accept('[')) {
        expression(scope)
        expect(']')
      } else if (is('.') && cursor.peek(1)?.kind === 'number') cursor.skip(2)
      else if (accept('IS')) {
        accept('NOT')
        expect('NULL')
      } else if (cursor.is('IN', negated)) {
        cursor.skip(negated + 1)
        inList(scope)
      } else if (cursor.is('LIKE', negated) || cursor.is('ILIKE', negated)) {
        cursor.skip(negated + 1)
        operand(scope)
      } else if (cursor.is('BETWEEN', negated)) {
        cursor.skip(negated + 1)
        between(scope)
        expect('AND')
        between(scope)
      } else return any
      any = true
    }
  }

  const arithmetic = ['+', '-', '*', '/', '%', 'DIV', 'MOD', '||']
  const between = (scope: Scope): void => {
    operand(scope)
    while (arithmetic.some(accept)) operand(scope)
  }

  // ClickHouse reads a lone name after IN, also in parentheses, as a table.
  const inList = (scope: Scope): void => {
    const at = cursor.peek()?.at
    const { name } = primary(scope)
    if (name !== undefined && !scope.has(name))
      throw refuse('After IN only values, a SELECT or one of our tables are allowed', at)
  }

  const parameter = (text: string, at: number): void => {
    const inner = createTypeCheck(text, at)
    if (!inner) throw refuse(`The parameter type ${text} is not allowed`, at)
    cursor.skip(1)
  }

  const type = (): void =>
    nested(() => {
      const token = cursor.peek()
      const name = cursor.identifier()
      if (!accept('(')) {
        if (!allowedTypes.has(name)) throw refuse(`The type ${name} is not allowed`, token?.at)
        return
      }
      if (!allowedTypeFunctions.has(name))
        throw refuse(`The type ${name} is not allowed`, token?.at)
      do {
        const kind = cursor.peek()?.kind
        if (kind === 'number' || kind === 'string') cursor.skip(1)
        else type()
      } while (accept(','))
      expect(')')
    })

  return { expression, list, orderList }
}

/** Whether a parameter's type is one of the allowed ones all the way down; `Identifier` never is. */
const createTypeCheck = (text: string, at: number): boolean =>
  tokenize(text, 200).every((token, index, tokens) => {
    if (token.kind === 'number' || token.kind === 'string') return true
    if (token.kind === 'operator') return ['(', ')', ','].includes(token.text)
    if (token.kind !== 'word') throw refuse(`${token.text} is not allowed in a type`, at)
    const opens = tokens[index + 1]?.text === '('
    return (opens ? allowedTypeFunctions : allowedTypes).has(token.text)
  })
