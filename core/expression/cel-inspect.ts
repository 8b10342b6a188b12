import type { parse } from '@bufbuild/cel'
import { messageOf } from '../errors/index.ts'
import { elementSteps } from './cel-budget.ts'
import { chargeFunction, functionNames } from './cel-env.ts'
import { compilePattern, constantMatches } from './cel-patterns.ts'

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
/** What evaluating one node of an expression takes. */
const nodeSteps = 4

/**
 * Walks a parsed expression: finds unknown names before the first event does, and puts the charge around
 * each range that a macro walks, so that nested macros cannot multiply; an element costs as what is done with it is long.
 * A pattern that stands in the condition is compiled here, once.
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
        if (constant.case === 'stringValue') {
          compilePattern(constant.value)
          call.function = constantMatches
        }
      } catch (error) {
        fault(pattern, messageOf(error))
      }
    }
  }

  /** How many nodes are evaluated each time that this one is, without those that the macros inside repeat. */
  const walk = (at: Expr | undefined, bound: ReadonlySet<string>, depth: number): number => {
    if (at === undefined) return 0
    if (depth > maxDepth) {
      fault(at, `the condition is nested more than ${maxDepth} deep`)
      return 0
    }
    const all = (parts: readonly (Expr | undefined)[], names = bound): number =>
      parts.reduce((sum, part) => sum + walk(part, names, depth + 1), 0)
    const kind = at.exprKind
    switch (kind.case) {
      case 'identExpr': {
        const { name } = kind.value
        const known = [...Object.keys(variables), ...bound]
        if (!bound.has(name) && !Object.hasOwn(variables, name) && !typeNames.has(name)) {
          fault(at, `unknown variable '${name}'`, name, known)
        }
        return 1
      }
      case 'selectExpr': {
        const { operand, field } = kind.value
        const root = operand?.exprKind.case === 'identExpr' ? operand.exprKind.value.name : ''
        const fields = bound.has(root) ? undefined : variables[root]
        if (fields !== undefined && !fields.includes(field)) {
          fault(at, `${root} has no field '${field}'`, field, fields)
        }
        return 1 + all([operand])
      }
      case 'callExpr':
        checkCall(at, kind.value)
        return 1 + all([kind.value.target, ...kind.value.args])
      case 'listExpr':
        return 1 + all(kind.value.elements)
      case 'structExpr':
        if (kind.value.messageName !== '') {
          fault(at, `'${kind.value.messageName}' cannot be made here`)
        }
        return (
          1 +
          all(
            kind.value.entries.flatMap(({ keyKind, value }) =>
              keyKind.case === 'mapKey' ? [keyKind.value, value] : [value],
            ),
          )
        )
      case 'comprehensionExpr': {
        const fold = kind.value
        const inner = new Set([...bound, fold.iterVar, fold.accuVar])
        const once = all([fold.iterRange, fold.accuInit]) + all([fold.result], inner)
        const each = all([fold.loopCondition, fold.loopStep], inner)
        if (fold.iterRange !== undefined) {
          fold.iterRange = charged(fold.iterRange, Math.max(elementSteps, each * nodeSteps))
        }
        return 1 + once
      }
      default:
        return 1
    }
  }

  walk(expr, new Set(), 0)
  return faults.sort((one, other) => one.offset - other.offset)[0]
}

const typeNames = new Set(['int', 'uint', 'double', 'bool', 'string', 'bytes', 'list', 'map'])

const charged = (range: Expr, stepsEach: number): Expr => ({
  $typeName: 'cel.expr.Expr',
  id: range.id,
  exprKind: {
    case: 'callExpr',
    value: {
      $typeName: 'cel.expr.Expr.Call',
      function: chargeFunction,
      args: [range, literal(range.id, BigInt(stepsEach))],
    },
  },
})

const literal = (id: bigint, value: bigint): Expr => ({
  $typeName: 'cel.expr.Expr',
  id,
  exprKind: {
    case: 'constExpr',
    value: { $typeName: 'cel.expr.Constant', constantKind: { case: 'int64Value', value } },
  },
})
