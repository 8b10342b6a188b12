import { nearest } from '../config/nearest.ts'
import { messageOf } from '../errors/index.ts'
import { programOf } from './linear-regexp.ts'

export interface TransformFault {
  message: string
  offset: number
}

/** `$eval` runs text of the event; the others build backtracking patterns, or give another result per attempt. */
const forbidden = new Set(['eval', 'parseInteger', 'random', 'shuffle'])

const functions =
  'abs append assert average base64decode base64encode boolean ceil clone contains count decodeUrl decodeUrlComponent distinct each encodeUrl encodeUrlComponent error exists filter floor formatBase formatInteger formatNumber fromMillis join keys length lookup lowercase map match max merge millis min not now number pad power reduce replace reverse round sift single sort split spread sqrt string substring substringAfter substringBefore sum toMillis trim type uppercase zip'.split(
    ' ',
  )

const maxDepth = 200

const isNode = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** What is wrong with a parsed transform before it ever runs: the first fault in the source. */
export const inspectTransform = (ast: unknown, source: string): TransformFault | undefined => {
  const faults: TransformFault[] = []
  const bound = new Set<string>()
  const called: { name: string; offset: number }[] = []

  const offsetOf = (node: Readonly<Record<string, unknown>>, name: string): number => {
    const end = typeof node.position === 'number' ? node.position : 0
    const start = source.lastIndexOf(`$${name}`, end)
    return start === -1 ? Math.max(0, end - name.length) : start
  }

  const visit = (node: Readonly<Record<string, unknown>>): void => {
    const name = textOf(node.value)
    if (node.type === 'variable' && forbidden.has(name)) {
      faults.push({ message: `$${name} is not allowed here`, offset: offsetOf(node, name) })
    }
    if (node.type === 'regex' && node.value instanceof RegExp) {
      try {
        programOf(node.value)
      } catch (error) {
        const end = typeof node.position === 'number' ? node.position : 0
        const start = source.lastIndexOf(`/${node.value.source}/`, end)
        faults.push({ message: messageOf(error), offset: Math.max(0, start) })
      }
    }
    if (node.type === 'bind' && isNode(node.lhs)) bound.add(textOf(node.lhs.value))
    if (node.type === 'lambda' && Array.isArray(node.arguments)) {
      for (const each of node.arguments) if (isNode(each)) bound.add(textOf(each.value))
    }
    const { procedure } = node
    if (
      (node.type === 'function' || node.type === 'partial') &&
      isNode(procedure) &&
      procedure.type === 'variable'
    ) {
      const name = textOf(procedure.value)
      called.push({ name, offset: offsetOf(procedure, name) })
    }
  }

  const seen = new Set<unknown>()
  const walk = (value: unknown, depth: number): void => {
    if (!isNode(value) || seen.has(value) || value instanceof RegExp) return
    seen.add(value)
    if (depth > maxDepth) {
      faults.push({ message: 'the transform is nested too deep', offset: 0 })
      return
    }
    if (!Array.isArray(value)) visit(value)
    for (const each of Object.values(value)) walk(each, depth + 1)
  }
  walk(ast, 0)

  const known = new Set([...functions, ...bound])
  for (const { name, offset } of called) {
    if (known.has(name) || forbidden.has(name)) continue
    const meant = nearest(name, known)
    const hint = meant === undefined ? '' : `; did you mean '$${meant}'?`
    faults.push({ message: `unknown function '$${name}'${hint}`, offset })
  }
  return faults.sort((one, other) => one.offset - other.offset)[0]
}
