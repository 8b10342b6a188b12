import type { parse } from '@bufbuild/cel'
import { messageOf } from '../errors/index.ts'
import { chargeFunction, compilePattern, functionNames } from './cel-env.ts'

type Parsed = ReturnType<typeof parse>
type Expr = NonNullable<Parsed['expr']>

export interface ConditionFault {
  offset: number
  message: string
  /** The word that is wrong, and those that would be right. */
  name: string
  known: Iterable<string>
}

const maxDepth = 250

/**
 * Walks a parsed expression: finds unknown names before the first event does, and puts the charge around
 * each range that a macro walks, so that nested macros cannot multiply.
 * `variables` gives the fields of each variable, or `undefined` where any may be there.
 */
export const inspect = (
  { expr, sourceInfo }: Parsed,
  variables: Readonly<Record<string, readonly string[] | undefined>>,
): ConditionFault | undefined => {
  const faults: ConditionFault[] = []

  const offsetOf = (at: Expr): number => sourceInfo?.positions[String(at.id)] ?? 0
  const fault = (at: Expr, message: string, name = '', known: Iterable<string> = []): void => {
    faults.push({ offset: offsetOf(at), message, name, known })
  }

  const checkCall = (
    at: Expr,
    call: Extract<Expr['exprKind'], { case: 'callExpr' }>['value'],
  ): void => {
    if (/^[a-z]/i.test(call.function) && !functionNames.has(call.function)) {
      fault(at, `unknown function '${call.function}'`, call.function, functionNames)
    }
    const [pattern] = call.args
    if (call.function === 'matches' && pattern?.exprKind.case === 'constExpr') {
      const constant = pattern.exprKind.value.constantKind
      try {
        if (constant.case === 'stringValue') compilePattern(constant.value)
      } catch (error) {
        fault(pattern, messageOf(error))
      }
    }
  }

  const walk = (at: Expr | undefined, bound: ReadonlySet<string>, depth: number): void => {
    if (at === undefined) return
    if (depth > maxDepth) {
      fault(at, `the condition is nested more than ${maxDepth} deep`)
      return
    }
    const kind = at.exprKind
    switch (kind.case) {
      case 'identExpr': {
        const { name } = kind.value
        const known = [...Object.keys(variables), ...bound]
        if (!bound.has(name) && !Object.hasOwn(variables, name) && !typeNames.has(name)) {
          fault(at, `unknown variable '${name}'`, name, known)
        }
        return
      }
      case 'selectExpr': {
        const { operand, field } = kind.value
        const root = operand?.exprKind.case === 'identExpr' ? operand.exprKind.value.name : ''
        const fields = bound.has(root) ? undefined : variables[root]
        if (fields !== undefined && !fields.includes(field)) {
          fault(at, `${root} has no field '${field}'`, field, fields)
        }
        walk(operand, bound, depth + 1)
        return
      }
      case 'callExpr':
        checkCall(at, kind.value)
        walk(kind.value.target, bound, depth + 1)
        for (const each of kind.value.args) walk(each, bound, depth + 1)
        return
      case 'listExpr':
        for (const each of kind.value.elements) walk(each, bound, depth + 1)
        return
      case 'structExpr':
        if (kind.value.messageName !== '') {
          fault(at, `'${kind.value.messageName}' cannot be made here`)
        }
        for (const { keyKind, value } of kind.value.entries) {
          if (keyKind.case === 'mapKey') walk(keyKind.value, bound, depth + 1)
          walk(value, bound, depth + 1)
        }
        return
      case 'comprehensionExpr': {
        const fold = kind.value
        const inner = new Set([...bound, fold.iterVar, fold.accuVar])
        walk(fold.iterRange, bound, depth + 1)
        walk(fold.accuInit, bound, depth + 1)
        for (const each of [fold.loopCondition, fold.loopStep, fold.result]) {
          walk(each, inner, depth + 1)
        }
        if (fold.iterRange !== undefined) fold.iterRange = charged(fold.iterRange)
      }
    }
  }

  walk(expr, new Set(), 0)
  return faults.sort((one, other) => one.offset - other.offset)[0]
}

const typeNames = new Set(['int', 'uint', 'double', 'bool', 'string', 'bytes', 'list', 'map'])

const charged = (range: Expr): Expr => ({
  $typeName: 'cel.expr.Expr',
  id: range.id,
  exprKind: {
    case: 'callExpr',
    value: { $typeName: 'cel.expr.Expr.Call', function: chargeFunction, args: [range] },
  },
})
