import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import type { ErrorCode } from '../../errors/index.ts'
import { messageOf } from '../../errors/index.ts'

export type Segment = string | number
export type DataPath = readonly Segment[]

/** Something wrong, by where it is in the text. */
export interface RawFault {
  offset: number
  code: ErrorCode
  message: string
  fix?: string
}

/** A YAML text as data, with a way back from every value and key to its place. */
export interface Located {
  /** Plain data; a key `__proto__` is an own member like any other. */
  readonly data: unknown
  readonly faults: readonly RawFault[]
  has(path: DataPath): boolean
  /** Offset of a value; of the nearest thing around it where it is absent. */
  valueAt(path: DataPath): number
  /** Offset of the key that names a value. */
  keyAt(path: DataPath): number
  /** Offset of a character of a text, as exact as the way it is written allows. */
  within(path: DataPath, index: number): number
  position(offset: number): { line: number; column: number }
}

/** What lies at a path: own members only. */
export const dataAt = (data: unknown, path: DataPath): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? Reflect.get(value, key)
        : undefined,
    data,
  )

const maxDepth = 64
const maxNodes = 200_000

type MaybeNode = Node | null | undefined
type Entry = Pair<unknown, unknown>

const isNode = (value: unknown): value is Node =>
  isMap(value) || isSeq(value) || isScalar(value) || isAlias(value)
const nodeOf = (value: unknown): MaybeNode => (isNode(value) ? value : undefined)

const keyText = (entry: Entry): string | undefined => {
  const { key } = entry
  if (!isScalar(key)) return undefined
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
}

const offsetOf = (node: MaybeNode): number => node?.range?.[0] ?? 0

interface Walker {
  faults: RawFault[]
  nodes: number
}

const flag = (walker: Walker, node: MaybeNode, what: string): void => {
  const message = `${what} is not read here`
  walker.faults.push({ offset: offsetOf(node), code: 'ZENHOOK_CONFIG_ALIAS', message })
}

const mapData = (map: YAMLMap<unknown, unknown>, walker: Walker, depth: number): object => {
  const data: Record<string, unknown> = {}
  for (const entry of map.items) {
    const key = nodeOf(entry.key)
    const name = keyText(entry)
    if (name === undefined) {
      if (key !== undefined && isAlias(key)) flag(walker, key, 'an alias')
      else {
        const message = 'a key must be a text'
        walker.faults.push({ offset: offsetOf(key), code: 'ZENHOOK_CONFIG_BAD_TYPE', message })
      }
      continue
    }
    if (name === '<<') {
      flag(walker, key, 'a merge key')
      continue
    }
    if (Object.hasOwn(data, name)) {
      const message = `the key '${name}' stands here twice`
      walker.faults.push({ offset: offsetOf(key), code: 'ZENHOOK_CONFIG_DUPLICATE_KEY', message })
      continue
    }
    const value = dataOf(nodeOf(entry.value), walker, depth + 1)
    Object.defineProperty(data, name, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    })
  }
  return data
}

const dataOf = (node: MaybeNode, walker: Walker, depth: number): unknown => {
  if (node === undefined || node === null) return null
  walker.nodes += 1
  if (depth > maxDepth || walker.nodes > maxNodes) {
    const message = depth > maxDepth ? `nested more than ${maxDepth} deep` : 'too many values'
    if (!walker.faults.some((fault) => fault.message === message)) {
      walker.faults.push({ offset: offsetOf(node), code: 'ZENHOOK_CONFIG_TOO_LARGE', message })
    }
    return null
  }
  if (isAlias(node)) {
    flag(walker, node, 'an alias')
    return null
  }
  if ('anchor' in node && node.anchor !== undefined) flag(walker, node, 'an anchor')
  if (node.tag?.startsWith('!') === true) flag(walker, node, 'a tag')
  if (isMap(node)) return mapData(node, walker, depth)
  if (isSeq(node)) return node.items.map((item) => dataOf(nodeOf(item), walker, depth + 1))
  return isScalar(node) ? node.value : null
}

const entryOf = (map: YAMLMap<unknown, unknown>, name: Segment): Entry | undefined =>
  map.items.find((entry) => keyText(entry) === String(name))

const itemOf = (seq: YAMLSeq<unknown>, index: Segment): MaybeNode =>
  typeof index === 'number' ? nodeOf(seq.items[index]) : undefined

/** The node at a path, and the key that leads to it; `undefined` from where it ends. */
const find = (
  root: MaybeNode,
  path: DataPath,
): { node: MaybeNode; key: MaybeNode; depth: number } => {
  let node = root
  let key: MaybeNode
  for (const [depth, segment] of path.entries()) {
    let next: MaybeNode
    if (isMap(node)) {
      const entry = entryOf(node, segment)
      if (entry === undefined) return { node, key, depth }
      key = nodeOf(entry.key)
      // `name:` with nothing after it: the key is all there is to point at.
      next = nodeOf(entry.value) ?? key
    } else if (isSeq(node)) {
      next = itemOf(node, segment)
      if (next === undefined) return { node, key, depth }
      key = next
    } else return { node, key, depth }
    node = next
  }
  return { node, key, depth: path.length }
}

const withinScalar = (text: string, node: Scalar, index: number): number => {
  const [start, end] = node.range ?? [0, 0]
  const value = typeof node.value === 'string' ? node.value : ''
  const source = text.slice(start, end)
  const quote = node.type === 'QUOTE_SINGLE' || node.type === 'QUOTE_DOUBLE' ? 1 : 0
  if (source.slice(quote, quote + value.length) === value) return start + quote + index
  if (node.type === 'QUOTE_SINGLE' && !source.includes('\n')) {
    // The one escape is a doubled quote.
    return start + 1 + index + (value.slice(0, index).match(/'/g)?.length ?? 0)
  }
  if (node.type !== 'BLOCK_LITERAL') return start
  const before = value.slice(0, index).split('\n')
  const lines = source.split('\n')
  const first = lines.slice(1).find((line) => line.trim() !== '') ?? ''
  const indent = first.length - first.trimStart().length
  const skipped = lines.slice(0, before.length).reduce((sum, line) => sum + line.length + 1, 0)
  return start + skipped + indent + (before.at(-1)?.length ?? 0)
}

/** Reads one YAML document. Never throws: what is wrong is in `faults`, and `data` is what could be read. */
export const locate = (text: string): Located => {
  const lines = new LineCounter()
  const walker: Walker = { faults: [], nodes: 0 }
  let root: MaybeNode
  try {
    const found = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      merge: false,
      logLevel: 'silent',
    })
    const documents = Array.isArray(found) ? found : []
    for (const { errors } of documents) {
      for (const { message, pos } of errors) {
        walker.faults.push({ offset: pos[0], code: 'ZENHOOK_CONFIG_SYNTAX', message })
      }
    }
    const [first, second] = documents
    if (second !== undefined) {
      const message = 'a second document begins here; one file holds one'
      const offset = offsetOf(nodeOf(second.contents)) || second.range[0]
      walker.faults.push({ offset, code: 'ZENHOOK_CONFIG_SYNTAX', message })
    }
    root = nodeOf(first?.contents)
  } catch (error) {
    // Deep nesting may exhaust the parser's stack.
    const message = error instanceof RangeError ? 'nested too deep' : messageOf(error)
    walker.faults.push({ offset: 0, code: 'ZENHOOK_CONFIG_SYNTAX', message })
  }
  const data = dataOf(root, walker, 0)
  return {
    data,
    faults: walker.faults,
    has: (path) => find(root, path).depth === path.length,
    valueAt(path) {
      const { node, key, depth } = find(root, path)
      return offsetOf(depth === path.length ? node : (key ?? node))
    },
    keyAt: (path) => {
      const { key, node } = find(root, path)
      return offsetOf(key ?? node)
    },
    within(path, index) {
      const { node, depth } = find(root, path)
      if (depth !== path.length || !isScalar(node)) return this.valueAt(path)
      return withinScalar(text, node, index)
    },
    position(offset) {
      const { line, col } = lines.linePos(offset)
      return { line: Math.max(1, line), column: Math.max(1, col) }
    },
  }
}
