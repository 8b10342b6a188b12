import { type CelFunc, CelScalar, celEnv, celFunc, isCelList, isCelMap } from '@bufbuild/cel'
import { spend } from './cel-budget.ts'
import { paid } from './cel-funcs.ts'
import { listFunctions } from './cel-lists.ts'
import { textFunctions } from './cel-texts.ts'

const { DOUBLE, DYN, INT } = CelScalar

/** Name of the function that `cel-inspect.ts` puts around each range that a macro walks. */
export const chargeFunction = '@charge'

const charge = celFunc(chargeFunction, [DYN, INT], DYN, (range, stepsEach) => {
  if (isCelList(range) || isCelMap(range)) spend(range.size * Number(stepsEach))
  return range
})

// JSON numbers are doubles and literals are ints: `event.data.count + 1` is meant to work.
const mixed = (
  name: string,
  compute: (left: number, right: number) => number,
): readonly CelFunc[] => [
  celFunc(name, [DOUBLE, INT], DOUBLE, (left, right) => compute(left, Number(right))),
  celFunc(name, [INT, DOUBLE], DOUBLE, (left, right) => compute(Number(left), right)),
]

export const environment = celEnv({
  funcs: [
    paid(charge),
    ...mixed('_+_', (left, right) => left + right),
    ...mixed('_-_', (left, right) => left - right),
    ...mixed('_*_', (left, right) => left * right),
    ...mixed('_/_', (left, right) => left / right),
    ...mixed('_%_', (left, right) => left % right),
    ...listFunctions,
    ...textFunctions,
  ],
})

/** Functions and methods that an expression may call, without operators. */
export const functionNames: ReadonlySet<string> = new Set(
  [...environment.funcs].map(({ name }) => name).filter((name) => /^[a-z]/i.test(name)),
)
