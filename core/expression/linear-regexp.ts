import { LimitError } from './jsonata-limits.ts'
import { compileProgram, isLineEnd, isWord, type Program } from './linear-program.ts'

/** Steps that one pattern object may take over all its matches: some tens of milliseconds. */
const maxWork = 2_000_000

type Slots = readonly (number | undefined)[]
interface Thread {
  at: number
  slots: Slots
}

const programs = new WeakMap<RegExp, Program>()

export const programOf = (pattern: RegExp): Program => {
  const known = programs.get(pattern)
  if (known !== undefined) return known
  const made = compileProgram(pattern)
  programs.set(pattern, made)
  return made
}

/**
 * Stands in for RegExp where patterns or texts come from outside: the same matches, leftmost first, in
 * time linear in the text (Pike's matcher), and never more than a fixed amount of work.
 * Only what a search needs: `exec` and `lastIndex` of a global pattern.
 */
export class LinearRegExp {
  lastIndex = 0
  readonly #program: Program
  #work = 0

  /** Throws a PatternError for back-references, lookaround and unicode classes. */
  constructor(pattern: RegExp) {
    this.#program = programOf(pattern)
  }

  exec(text: string): (string[] & { index: number }) | null {
    const slots = this.#search(text, this.lastIndex)
    const [start, end] = slots ?? []
    if (slots === undefined || start === undefined || end === undefined) {
      this.lastIndex = 0
      return null
    }
    this.lastIndex = end
    const groups: string[] = []
    for (let group = 0; group <= this.#program.groups; group += 1) {
      const from = slots[group * 2]
      const to = slots[group * 2 + 1]
      if (from !== undefined && to !== undefined) groups[group] = text.slice(from, to)
    }
    groups.length = this.#program.groups + 1
    return Object.assign(groups, { index: start })
  }

  #spend(): void {
    this.#work += 1
    if (this.#work > maxWork) throw new LimitError('a pattern took too long')
  }

  #holds(what: 'start' | 'end' | 'word' | 'notWord', text: string, index: number): boolean {
    const { multiline } = this.#program
    const before = text.charCodeAt(index - 1)
    const after = text.charCodeAt(index)
    if (what === 'start') return index === 0 || (multiline && isLineEnd(before))
    if (what === 'end') return index === text.length || (multiline && isLineEnd(after))
    return (isWord(before) !== isWord(after)) === (what === 'word')
  }

  #search(text: string, from: number): Slots | undefined {
    const { steps } = this.#program
    let threads: Thread[] = []
    let found: Slots | undefined
    for (let index = from; index <= text.length; index += 1) {
      const seen = new Set<number>()
      const next: Thread[] = []
      const current: Thread[] = []

      /** Follows what consumes nothing, in order of preference. */
      const follow = (into: Thread[], at: number, slots: Slots, here: number): void => {
        const waiting: Thread[] = [{ at, slots }]
        for (let thread = waiting.pop(); thread !== undefined; thread = waiting.pop()) {
          if (seen.has(thread.at)) continue
          seen.add(thread.at)
          this.#spend()
          const step = steps[thread.at]
          if (step === undefined) continue
          const go = (to: number, kept = thread?.slots ?? slots) =>
            waiting.push({ at: to, slots: kept })
          if (step.kind === 'jump') go(step.to)
          else if (step.kind === 'split') {
            go(step.second)
            go(step.first)
          } else if (step.kind === 'save') go(thread.at + 1, thread.slots.with(step.slot, here))
          else if (step.kind === 'forget') {
            const { from: low, to: high } = step
            const kept = thread.slots.map((slot, each) =>
              each >= low * 2 && each <= high * 2 + 1 ? undefined : slot,
            )
            go(thread.at + 1, kept)
          } else if (step.kind === 'assert') {
            if (this.#holds(step.what, text, here)) go(thread.at + 1)
          } else into.push(thread)
        }
      }

      for (const { at, slots } of threads) follow(current, at, slots, index)
      if (found === undefined) {
        const slots: (number | undefined)[] = Array(this.#program.groups * 2 + 2).fill(undefined)
        slots[0] = index
        follow(current, 0, slots, index)
      }
      if (current.length === 0 && found !== undefined) break
      const code = text.charCodeAt(index)
      for (const { at, slots } of current) {
        this.#spend()
        const step = steps[at]
        if (step?.kind === 'match') {
          found = slots.with(1, index)
          break
        }
        if (index < text.length && step?.kind === 'unit' && step.test(code)) {
          next.push({ at: at + 1, slots })
        }
      }
      threads = next
    }
    return found
  }
}
