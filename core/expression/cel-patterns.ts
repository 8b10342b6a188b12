import { RE2JS } from '@bufbuild/re2'
import { conditionLimits, evaluation, spend, within } from './cel-budget.ts'
import { spendOnSearch } from './cel-funcs.ts'

/** Name of the function that `cel-inspect.ts` makes of `matches` where the pattern stands in the condition. */
export const constantMatches = '@matches'

type Automaton = ReturnType<RE2JS['re2']>['dfa']

/**
 * The library keeps the states of a pattern's automaton, and what is kept takes next to no time. What a condition pays
 * must not depend on what others left there: the first so many instructions times characters that a pattern meets in an
 * evaluation cost the same whether or not their states are there, and from then on it has an automaton of its own.
 */
const sharedWork = 131_072
const sharedWorkPerStep = 4
/** What is kept of a pattern starts anew from so many states. */
const sharedStates = 1_000

/** A pattern in the evaluation that runs now. */
interface Use {
  compiled: RE2JS
  /** What is left of `sharedWork`. */
  left: number
  own?: Automaton
}

const patterns = new Map<string, RE2JS>()

// Whether an instruction that is looked at is paid for.
let counts = false

/** Never backtracks (RE2). Throws when the pattern is not valid or too long. */
export const compilePattern = (pattern: string): RE2JS => {
  const known = patterns.get(pattern)
  if (known !== undefined) return known
  within(pattern.length, conditionLimits.matchPattern, 'the pattern of matches()')
  const compiled = RE2JS.compile(pattern)
  // Linear in the text, but what a character costs depends on the pattern: thousands of its instructions, for some.
  const { prog } = compiled.re2()
  const instructionAt = prog.getInst.bind(prog)
  prog.getInst = (index) => {
    if (counts) spend(1)
    return instructionAt(index)
  }
  if (patterns.size >= 1_000) patterns.clear()
  patterns.set(pattern, compiled)
  return compiled
}

const emptied = (automaton: Automaton): Automaton =>
  new (automaton.constructor as new (prog: Automaton['prog']) => Automaton)(automaton.prog)

const uses = new Map<string, Use>()
let usesOf = 0

/** The pattern as this evaluation has it. Only one that came with the event pays for being compiled, each time. */
const useOf = (pattern: string, isConstant: boolean): Use => {
  if (usesOf !== evaluation()) {
    uses.clear()
    usesOf = evaluation()
  }
  const known = uses.get(pattern)
  if (known !== undefined) return known
  if (!isConstant) spend(pattern.length * 250)
  const compiled = compilePattern(pattern)
  if (!isConstant) spend(compiled.re2().prog.numInst() * 20)
  const use = { compiled, left: sharedWork }
  uses.set(pattern, use)
  return use
}

/** By the automaton that all evaluations share, for what it may take at most. */
const testShared = ({ compiled }: Use, text: string, work: number): boolean => {
  spend(work / sharedWorkPerStep)
  const re2 = compiled.re2()
  if (re2.dfa.stateCount > sharedStates) re2.dfa = emptied(re2.dfa)
  return compiled.test(text)
}

/** By the automaton of this evaluation, for what it takes. */
const testOwn = (use: Use, text: string): boolean => {
  const re2 = use.compiled.re2()
  const shared = re2.dfa
  use.own ??= emptied(shared)
  re2.dfa = use.own
  counts = true
  try {
    return use.compiled.test(text)
  } finally {
    counts = false
    re2.dfa = shared
  }
}

/** Whether the pattern is found in the text. */
export const matches = (text: string, pattern: string, isConstant: boolean): boolean => {
  within(text.length, conditionLimits.matchText, 'the text of matches()')
  const use = useOf(pattern, isConstant)
  spend(text.length / 4)
  spendOnSearch(text, pattern)
  const work = (text.length + 1) * use.compiled.re2().prog.numInst()
  if (work > use.left) return testOwn(use, text)
  use.left -= work
  return testShared(use, text, work)
}
