import { type CelFunc, type CelValue, celEnv } from '@bufbuild/cel'
import { spend } from './cel-budget.ts'

/** What a call costs, in steps, from its arguments; a method's target comes first. */
export type Cost = (...values: readonly (CelValue | undefined)[]) => number

/** The functions of CEL as its library has them. */
export const standard: readonly CelFunc[] = [...celEnv().funcs]

/**
 * The same function, paid for when it has answered: only where a call cannot cost much more than its arguments are
 * long; others also spend inside. A spent budget throws past the macros, which would swallow an error that a
 * function gives and go on to the next element.
 */
export const paid = (func: CelFunc, cost?: Cost): CelFunc => {
  const call: CelFunc['call'] = (id, target, args) => {
    const result = func.call(id, target, args)
    // Without a result it was not this one of the functions of that name.
    if (result === undefined) return undefined
    spend(cost === undefined ? 0 : target === undefined ? cost(...args) : cost(target, ...args))
    return result
  }
  return Object.assign(Object.create(func), { call })
}

/** What searching may cost: the engine is quick as a rule, but compares up to the whole part at each place. */
export const spendOnSearch = (text: string, part: string): void => {
  const places = Math.max(text.length - part.length, 0)
  spend((places * Math.max(part.length, 16)) / 256 + part.length / 16)
}
