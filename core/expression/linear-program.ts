/** One step of a pattern's program, as in Thompson's and Pike's matchers. */
export type Step =
  | { kind: 'unit'; test: (code: number) => boolean }
  | { kind: 'assert'; what: 'start' | 'end' | 'word' | 'notWord' }
  /** The first branch is preferred. */
  | { kind: 'split'; first: number; second: number }
  | { kind: 'jump'; to: number }
  | { kind: 'save'; slot: number }
  /** Forgets the groups of the iteration before. */
  | { kind: 'forget'; from: number; to: number }
  | { kind: 'match' }

export interface Program {
  readonly steps: readonly Step[]
  readonly groups: number
  readonly multiline: boolean
}

type Node =
  | { kind: 'unit'; test: (code: number) => boolean }
  | { kind: 'assert'; what: 'start' | 'end' | 'word' | 'notWord' }
  | { kind: 'sequence'; parts: Node[] }
  | { kind: 'choice'; options: Node[] }
  | { kind: 'group'; index: number; body: Node }
  | {
      kind: 'repeat'
      body: Node
      min: number
      max: number
      greedy: boolean
      groups: [number, number]
    }

const maxSteps = 2_000
const maxDepth = 50

export class PatternError extends Error {
  override readonly name = 'PatternError'
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

type Test = (code: number) => boolean

const isDigit: Test = (code) => code >= 48 && code <= 57
export const isWord: Test = (code) =>
  isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95
const isSpace: Test = (code) => /\s/.test(String.fromCharCode(code))
export const isLineEnd: Test = (code) =>
  code === 10 || code === 13 || code === 0x2028 || code === 0x2029
const not =
  (test: Test): Test =>
  (code) =>
    !test(code)

const classes: Readonly<Record<string, Test>> = {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace),
}
const controls: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, v: 11, f: 12, '0': 0 }

const folded = (code: number): number => {
  const upper = String.fromCharCode(code).toUpperCase()
  return upper.length === 1 ? upper.charCodeAt(0) : code
}

/** Compiles what a JavaScript pattern without the flags `u`, `v`, `y` may hold and needs no backtracking. */
export const compileProgram = ({ source, flags }: RegExp): Program => {
  const ignoreCase = flags.includes('i')
  let at = 0
  let groups = 0

  const fail = (message: string): PatternError => new PatternError(message, at)
  const peek = (text: string): boolean => source.startsWith(text, at)
  const take = (text: string): boolean => {
    if (!peek(text)) return false
    at += text.length
    return true
  }

  const unit = (test: Test): Node => {
    if (!ignoreCase) return { kind: 'unit', test }
    return {
      kind: 'unit',
      test: (code) =>
        test(code) ||
        test(folded(code)) ||
        test(String.fromCharCode(code).toLowerCase().charCodeAt(0)),
    }
  }
  const literal = (code: number): Test => {
    if (!ignoreCase) return (other) => other === code
    const wanted = folded(code)
    return (other) => folded(other) === wanted
  }

  /** After a backslash: a class, or the code of one unit. */
  const escapeOf = (): Test | number => {
    const letter = source[at] ?? ''
    at += 1
    const known = classes[letter]
    if (known !== undefined) return known
    const control = controls[letter]
    if (control !== undefined) return control
    if (/[1-9k]/.test(letter)) throw fail('back-references are not supported')
    if (/[pP]/.test(letter)) throw fail('unicode classes are not supported')
    const hex = /^(?:x([0-9a-f]{2})|u([0-9a-f]{4}))/i.exec(source.slice(at - 1, at + 4))
    const digits = hex?.[1] ?? hex?.[2]
    if (digits !== undefined) {
      at += digits.length
      return Number.parseInt(digits, 16)
    }
    return letter.charCodeAt(0)
  }

  const classMember = (): Test | number => {
    if (take('\\')) return take('b') ? 8 : escapeOf()
    const code = source.charCodeAt(at)
    at += 1
    return code
  }

  const charClass = (): Test => {
    const negated = take('^')
    const tests: Test[] = []
    while (!take(']')) {
      const from = classMember()
      if (peek('-') && source[at + 1] !== ']') {
        at += 1
        const to = classMember()
        if (typeof from === 'number' && typeof to === 'number') {
          tests.push((code) => code >= from && code <= to)
          continue
        }
        tests.push((code) => code === 45, typeof to === 'number' ? literal(to) : to)
      }
      tests.push(typeof from === 'number' ? literal(from) : from)
    }
    const any: Test = (code) => tests.some((test) => test(code))
    if (!negated) return any
    // Negation comes after case folding: [^a] with `i` refuses A as well.
    if (!ignoreCase) return not(any)
    const both = unit(any)
    return both.kind === 'unit' ? not(both.test) : not(any)
  }

  const group = (depth: number): Node => {
    if (depth > maxDepth) throw fail(`groups are nested more than ${maxDepth} deep`)
    let index: number | undefined
    if (peek('?=') || peek('?!') || peek('?<=') || peek('?<!')) {
      throw fail('lookaround is not supported')
    }
    if (!take('?:')) {
      if (take('?<')) at = source.indexOf('>', at) + 1
      else if (peek('?')) throw fail('this kind of group is not supported')
      groups += 1
      index = groups
    }
    const body = choice(depth + 1)
    if (!take(')')) throw fail('a group is not closed')
    return index === undefined ? body : { kind: 'group', index, body }
  }

  const atom = (depth: number): Node => {
    if (take('^')) return { kind: 'assert', what: 'start' }
    if (take('$')) return { kind: 'assert', what: 'end' }
    if (take('\\b')) return { kind: 'assert', what: 'word' }
    if (take('\\B')) return { kind: 'assert', what: 'notWord' }
    if (take('(')) return group(depth)
    if (take('[')) {
      const negated = peek('^')
      const test = charClass()
      return negated ? { kind: 'unit', test } : unit(test)
    }
    if (take('.')) {
      return { kind: 'unit', test: flags.includes('s') ? () => true : not(isLineEnd) }
    }
    if (take('\\')) {
      const escaped = escapeOf()
      return { kind: 'unit', test: typeof escaped === 'number' ? literal(escaped) : escaped }
    }
    const code = source.charCodeAt(at)
    at += 1
    return { kind: 'unit', test: literal(code) }
  }

  const quantifier = (): [number, number] | undefined => {
    if (take('*')) return [0, Number.POSITIVE_INFINITY]
    if (take('+')) return [1, Number.POSITIVE_INFINITY]
    if (take('?')) return [0, 1]
    const [whole, min, comma, max] = /^\{(\d+)(,?)(\d*)\}/.exec(source.slice(at, at + 24)) ?? []
    if (whole === undefined) return undefined
    at += whole.length
    const low = Number(min)
    return [low, comma === '' ? low : max === '' ? Number.POSITIVE_INFINITY : Number(max)]
  }

  const sequence = (depth: number): Node => {
    const parts: Node[] = []
    while (at < source.length && !peek('|') && !peek(')')) {
      const before = groups
      const body = atom(depth)
      const counts = quantifier()
      if (counts === undefined) {
        parts.push(body)
        continue
      }
      const [min, max] = counts
      if (min > maxSteps) throw fail('the repetition is too large')
      const greedy = !take('?')
      parts.push({ kind: 'repeat', body, min, max, greedy, groups: [before + 1, groups] })
    }
    return { kind: 'sequence', parts }
  }

  const choice = (depth: number): Node => {
    const options = [sequence(depth)]
    while (take('|')) options.push(sequence(depth))
    const [only] = options
    return options.length === 1 && only !== undefined ? only : { kind: 'choice', options }
  }

  const tree = choice(0)
  if (at < source.length) throw fail('a bracket is not opened')
  return { steps: emit(tree), groups, multiline: flags.includes('m') }
}

const emit = (tree: Node): readonly Step[] => {
  const steps: Step[] = []
  const push = (step: Step): number => {
    if (steps.length >= maxSteps) throw new PatternError('the pattern is too large', 0)
    return steps.push(step) - 1
  }
  /** A split whose targets are set once they are known: `enter` the body, or `leave`. */
  const fork = (greedy: boolean): ((enter: number, leave: number) => void) => {
    const index = push({ kind: 'match' })
    return (enter, leave) => {
      steps[index] = greedy
        ? { kind: 'split', first: enter, second: leave }
        : { kind: 'split', first: leave, second: enter }
    }
  }

  const repeat = ({
    body,
    min,
    max,
    greedy,
    groups: [from, to],
  }: Node & { kind: 'repeat' }): void => {
    const once = (): void => {
      if (to >= from) push({ kind: 'forget', from, to })
      write(body)
    }
    for (let count = 0; count < min; count += 1) once()
    if (max === Number.POSITIVE_INFINITY) {
      const set = fork(greedy)
      const start = steps.length
      once()
      push({ kind: 'jump', to: start - 1 })
      set(start, steps.length)
      return
    }
    const sets: ((leave: number) => void)[] = []
    for (let count = min; count < max; count += 1) {
      const set = fork(greedy)
      const start = steps.length
      once()
      sets.push((leave) => set(start, leave))
    }
    for (const set of sets) set(steps.length)
  }

  const write = (node: Node): void => {
    switch (node.kind) {
      case 'unit':
      case 'assert':
        push(node)
        return
      case 'sequence':
        for (const part of node.parts) write(part)
        return
      case 'group':
        push({ kind: 'save', slot: node.index * 2 })
        write(node.body)
        push({ kind: 'save', slot: node.index * 2 + 1 })
        return
      case 'repeat':
        repeat(node)
        return
      case 'choice': {
        const ends: number[] = []
        for (const [index, option] of node.options.entries()) {
          if (index === node.options.length - 1) {
            write(option)
            break
          }
          const set = fork(true)
          const start = steps.length
          write(option)
          ends.push(push({ kind: 'match' }))
          set(start, steps.length)
        }
        for (const end of ends) steps[end] = { kind: 'jump', to: steps.length }
      }
    }
  }

  write(tree)
  push({ kind: 'match' })
  return steps
}
