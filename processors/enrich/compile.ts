import type { Event } from '../../core/event/index.ts'
import { type Severity, severities } from './facts.ts'
import type { Condition, Conditions, Mapping, Rule, Rules } from './mapping.ts'
import { type CompiledPath, compileFactPath, type Keep, valueAt, valuesAt } from './path.ts'

/** An event as rules read it. */
export interface View {
  event: Pick<Event, 'type' | 'headers'>
  data: unknown
}

export type Test = (view: View) => boolean
export type Read = (view: View) => string

export const some = <T>(one: T | readonly T[]): readonly T[] =>
  Array.isArray(one) ? (one as readonly T[]) : [one as T]

/** Scalars as text; anything else gives none. */
export const textOf = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
      ? String(value)
      : ''

const always: Test = () => true
const nothing: Read = () => ''

const firstText = (
  data: unknown,
  paths: readonly CompiledPath[],
  keep?: Keep,
  except?: ReadonlySet<string>,
): string => {
  for (const path of paths) {
    const text = textOf(valueAt(data, path, keep))
    if (text !== '' && except?.has(text) !== true) return text
  }
  return ''
}

export const compileConditions = (conditions: Conditions | undefined): Test => {
  if (conditions === undefined) return always
  const tests = some<Condition>(conditions).map(compileCondition)
  const [first] = tests
  return tests.length === 1 && first !== undefined
    ? first
    : (view) => tests.every((test) => test(view))
}

const compileCondition = (condition: Condition): Test => {
  const { type, header, path } = condition
  const tests: Test[] = []
  if (type !== undefined)
    tests.push(({ event }) => event.type === type || event.type.startsWith(`${type}.`))
  if (header !== undefined) tests.push(valueTest(condition, ({ event }) => event.headers[header]))
  if (path !== undefined) {
    const compiled = compileFactPath(path)
    tests.push(valueTest(condition, ({ data }) => valueAt(data, compiled)))
  }
  return (view) => tests.every((test) => test(view))
}

const valueTest = (condition: Condition, read: (view: View) => unknown): Test => {
  const { is, not, prefix, suffix, atLeast, absent } = condition
  if (is !== undefined) {
    const wanted = new Set(some(is))
    return (view) => wanted.has(textOf(read(view)))
  }
  if (not !== undefined) {
    const others = new Set(some(not))
    return (view) => !others.has(textOf(read(view)))
  }
  if (suffix !== undefined) return (view) => textOf(read(view)).endsWith(suffix)
  if (prefix !== undefined) return (view) => textOf(read(view)).startsWith(prefix)
  if (atLeast !== undefined) return (view) => Number(textOf(read(view)) || Number.NaN) >= atLeast
  const wanted = absent !== true
  return (view) => {
    const value = read(view)
    return (value !== undefined && value !== null) === wanted
  }
}

/** Which elements of a list count, seen from one event; none says that all do. */
export const compileEach = (each: Conditions | undefined): ((view: View) => Keep) | undefined => {
  if (each === undefined) return undefined
  const test = compileConditions(each)
  return ({ event }) =>
    (element) =>
      test({ event, data: element })
}

export const compileRules = (rules: Rules | undefined): Read => {
  if (rules === undefined) return nothing
  const reads = some<Rule>(rules).map(compileRule)
  const [only] = reads
  return reads.length === 1 && only !== undefined
    ? only
    : (view) => {
        for (const read of reads) {
          const text = read(view)
          if (text !== '') return text
        }
        return ''
      }
}

const compileRule = (rule: Rule): Read => {
  const read = compileSource(rule)
  const refined = compileMap(rule, compileBefore(rule, compileStrip(rule, read)))
  if (rule.when === undefined) return refined
  const test = compileConditions(rule.when)
  return (view) => (test(view) ? refined(view) : '')
}

const compileSource = (rule: Rule): Read => {
  const { value, path, template, tag, map } = rule
  if (value !== undefined) return () => value
  const keep = compileEach(rule.each)
  if (template !== undefined) return compileTemplate(template, keep)
  const paths = some(path ?? []).map(compileFactPath)
  if (tag !== undefined) {
    const names = some(tag)
    return ({ data }) => paths.reduce((found, at) => found || tagIn(valueAt(data, at), names), '')
  }
  const except = rule.except === undefined ? undefined : new Set(rule.except)
  const [only] = paths
  if (paths.length === 1 && only !== undefined && !only.includes('*') && except === undefined)
    return ({ data }) => textOf(valueAt(data, only))
  if (map !== undefined && Object.values(map).every(isSeverity))
    return (view) => {
      const kept = keep?.(view)
      for (const at of paths) {
        const worst = worstOf(valuesAt(view.data, at, kept), map)
        if (worst !== '') return worst
      }
      return ''
    }
  return (view) => firstText(view.data, paths, keep?.(view), except)
}

const isSeverity = (text: string): text is Severity => severities.some((each) => each === text)

const ranks: readonly string[] = severities

/** Of several severities the worst, in the provider's own word, which the map then translates. */
const worstOf = (values: readonly unknown[], map: Readonly<Record<string, string>>): string => {
  let worst = ''
  let rank: number = severities.length
  for (const value of values) {
    const text = textOf(value)
    const severity = lookUp(map, text)
    const at = ranks.indexOf(severity)
    if (at >= 0 && at < rank) {
      rank = at
      worst = text
    }
  }
  return worst
}

const lookUp = (map: Readonly<Record<string, string>>, text: string): string => {
  const key = text.toLowerCase()
  return Object.hasOwn(map, key) ? (map[key] ?? '') : ''
}

const compileMap = ({ map }: Rule, read: Read): Read =>
  map === undefined ? read : (view) => lookUp(map, read(view))

const compileStrip = ({ strip }: Rule, read: Read): Read =>
  strip === undefined
    ? read
    : (view) => {
        const text = read(view)
        const found = strip.find((prefix) => text.startsWith(prefix))
        return found === undefined ? text : text.slice(found.length)
      }

const compileBefore = ({ before }: Rule, read: Read): Read => {
  if (before === undefined) return read
  const suffix = compileTemplate(before.suffix)
  return (view) => {
    const text = read(view)
    const at = text.indexOf(before.text)
    const tail = at < 0 ? '' : suffix(view)
    return tail === '' ? '' : text.slice(0, at) + tail
  }
}

const placeholder = /\{([^}]+)\}/g

const compileTemplate = (template: string, keep?: (view: View) => Keep): Read => {
  const texts: string[] = []
  const reads: Read[] = []
  let end = 0
  for (const match of template.matchAll(placeholder)) {
    texts.push(template.slice(end, match.index))
    end = match.index + match[0].length
    const paths = (match[1] ?? '').split('|').map(compileFactPath)
    reads.push((view) => firstText(view.data, paths, keep?.(view)))
  }
  const tail = template.slice(end)
  return (view) => {
    let result = ''
    for (let at = 0; at < reads.length; at += 1) {
      const text = reads[at]?.(view) ?? ''
      if (text === '') return ''
      result += `${texts[at] ?? ''}${text}`
    }
    return result + tail
  }
}

const mostTags = 200

/** `env:prod` in a list or a text with commas, `[env, prod]` pairs. */
const tagIn = (tags: unknown, names: readonly string[]): string => {
  const list = typeof tags === 'string' ? tags.split(',') : Array.isArray(tags) ? tags : []
  for (const each of list.slice(0, mostTags)) {
    const [name, value] = Array.isArray(each) ? each.map(textOf) : pairOf(textOf(each))
    if (name !== undefined && value && names.includes(name)) return value
  }
  return ''
}

const pairOf = (text: string): readonly string[] => {
  const colon = text.indexOf(':')
  return colon < 0 ? [] : [text.slice(0, colon).trim(), text.slice(colon + 1).trim()]
}

const longestEmbedded = 262_144

/** The body with its embedded JSON unquoted. */
export const openedData = (data: unknown, fields: Mapping['json']): unknown => {
  if (fields === undefined || typeof data !== 'object' || data === null || Array.isArray(data))
    return data
  const opened: Record<string, unknown> = { ...data }
  for (const field of fields) {
    const text: unknown = Object.hasOwn(data, field) ? Reflect.get(data, field) : undefined
    if (typeof text !== 'string' || text.length > longestEmbedded || !/^\s*[{[]/.test(text))
      continue
    try {
      opened[field] = JSON.parse(text)
    } catch {
      // It only looked like JSON: it stays the text that it is.
    }
  }
  return opened
}
