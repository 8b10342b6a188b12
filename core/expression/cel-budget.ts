/** What one evaluation may cost. CEL always ends; these bound how late, whatever the body holds. */
export const conditionLimits = {
  /**
   * Elements visited by `all`, `exists`, `map`, `filter` together. Whatever else takes longer the more it is given
   * (`in`, `==`, texts, patterns) is paid from the same budget, in steps of which an element takes `elementSteps`.
   */
  elements: 30_000,
  /** Characters that `matches` reads, and of its pattern. */
  matchText: 65_536,
  matchPattern: 1_024,
  /** Characters of a string, bytes, elements of a list that an expression may put together. */
  concat: 262_144,
} as const

/** A step is some ten nanoseconds: an element looked at, a few characters read. */
export const elementSteps = 70

// Evaluation is synchronous, so one counter serves all conditions of the process.
let stepsLeft = 0
let number = 0

export const refill = (): void => {
  stepsLeft = conditionLimits.elements * elementSteps
  number += 1
}

/** The number of the evaluation that runs now. */
export const evaluation = (): number => number

/** The budget's own error when the evaluation running now has spent more than it has. */
export const overspent = (): Error | undefined =>
  stepsLeft < 0
    ? new Error(`more than ${conditionLimits.elements} elements visited, or as much work done`)
    : undefined

/** Throws when the budget is spent, and from then on each time. */
export const spend = (steps: number): void => {
  stepsLeft -= steps
  if (stepsLeft < 0) throw overspent()
}

export const within = (size: number, limit: number, what: string): void => {
  if (size > limit) throw new Error(`${what} is larger than ${limit}`)
}
