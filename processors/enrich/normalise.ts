import type { Event, Hash } from '../../core/event/index.ts'
import {
  compileConditions,
  compileEach,
  compileRules,
  openedData,
  type Read,
  some,
  type Test,
  textOf,
  type View,
} from './compile.ts'
import {
  type Category,
  categories,
  type Facts,
  type Severity,
  type Status,
  severities,
  statuses,
} from './facts.ts'
import type { Count, FactRules, Mapping, Rules } from './mapping.ts'
import { compileFactPath, valueAt } from './path.ts'

/** A mapping, ready to be applied. */
export interface Normaliser {
  readonly provider: string
  /** Whether an event looks as if it came from this provider. */
  recognises(event: Event): boolean
  factsOf(event: Event, hash: Hash): Facts
}

const texts = ['resource', 'actor', 'title', 'url', 'environment', 'branch'] as const
const words = ['severity', 'category', 'status'] as const
type TextFact = (typeof texts)[number] | (typeof words)[number]

interface CompiledRules {
  reads: Readonly<Record<TextFact, Read>>
  fingerprint: readonly Read[] | undefined
  count: CountIn | undefined
  test: Test | undefined
}

type CountIn = (view: View) => number

const compileFacts = (rules: FactRules): CompiledRules => {
  const reads = [...texts, ...words].map((name) => [name, compileRules(rules[name])] as const)
  return {
    reads: Object.fromEntries(reads) as CompiledRules['reads'],
    fingerprint: rules.fingerprint?.map((part) => compileRules(part)),
    count: compileCount(rules.count),
    test: rules.test === undefined ? undefined : compileConditions(rules.test),
  }
}

export const compileMapping = (mapping: Mapping): Normaliser => {
  const detect = mapping.detect.map(compileConditions)
  const kinds = mapping.kinds.map(({ when, kind, about = kind, ...rules }) => ({
    kind,
    about,
    test: compileConditions(when),
    rules: compileFacts(rules),
  }))
  const general = compileFacts(mapping.facts)
  const severityOfOthers = compileRules(withoutDefault(mapping.facts.severity))
  const viewOf = (event: Event): View => ({ event, data: openedData(event.data, mapping.json) })
  return {
    provider: mapping.provider,
    recognises: (event) => {
      const view = viewOf(event)
      return detect.some((test) => test(view))
    },
    factsOf: (event, hash) => {
      const view = viewOf(event)
      const found = kinds.find(({ test }) => test(view))
      const special = found?.rules
      const read = (name: TextFact): string => {
        const text = special?.reads[name](view) ?? ''
        return text === '' ? general.reads[name](view) : text
      }
      const severity = special === undefined ? severityOfOthers(view) : read('severity')
      const kind = found?.kind ?? 'event'
      const told = lineOf(read('title'), 200)
      const title = told || event.type || `${mapping.provider} ${kind}`
      const resource = lineOf(read('resource'), 300)
      const parts = (special?.fingerprint ?? general.fingerprint)?.map((part) => part(view)) ?? []
      return {
        severity: wordOf<Severity>(severities, severity, 'unknown'),
        category: wordOf<Category>(categories, read('category'), 'other'),
        status: wordOf<Status>(statuses, read('status'), 'unknown'),
        resource,
        actor: lineOf(read('actor'), 200),
        title,
        url: urlOf(read('url')),
        environment: lineOf(read('environment'), 100),
        branch: lineOf(read('branch'), 200),
        kind,
        fingerprint: fingerprintOf(hash, event, mapping.provider, found?.about ?? kind, {
          parts,
          resource,
          title,
          told: told !== '' || resource !== '',
        }),
        count: (special?.count ?? general.count)?.(view) ?? 1,
        test: (special?.test ?? general.test)?.(view) ?? false,
        provider: mapping.provider,
      }
    },
  }
}

/** What a mapping takes for granted holds for the kinds it knows; of others nobody said how bad they are. */
const withoutDefault = (rules: Rules<Severity> | undefined): Rules<Severity> =>
  some(rules ?? []).filter(({ value, when }) => value === undefined || when !== undefined)

const wordOf = <T extends string>(known: readonly T[], text: string, otherwise: T): T =>
  known.find((word) => word === text) ?? otherwise

// Control characters and line breaks of strangers stay out of titles and logs.
const breaks = /[\p{Cc}\p{Zl}\p{Zp}]+/gu

// Most text has none; a look at its codes is quicker than the pattern.
const isPlain = (text: string): boolean => {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code < 0x20 || (code > 0x7e && code < 0xa0) || code === 0x2028 || code === 0x2029)
      return false
  }
  return true
}

const halfCharacter = /[\uD800-\uDBFF]$/

const lineOf = (text: string, longest: number): string => {
  if (text === '') return text
  const cut = text.length > longest * 4 ? text.slice(0, longest * 4) : text
  const line = (isPlain(cut) ? cut : cut.replace(breaks, ' ')).trim()
  return line.length > longest ? `${line.slice(0, longest - 1).replace(halfCharacter, '')}…` : line
}

const longestUrl = 2_000

const urlOf = (text: string): string =>
  /^https?:\/\/[^\s\p{Cc}]+$/iu.test(text) && text.length <= longestUrl ? text : ''

const compileCount = (count: FactRules['count']): CountIn | undefined => {
  if (count === undefined) return undefined
  const counts = some<Count>(typeof count === 'string' ? { path: count } : count).map(
    ({ when, path, each }) => ({
      test: compileConditions(when),
      path: compileFactPath(path),
      keep: compileEach(each),
    }),
  )
  return (view) => {
    const found = counts.find(({ test }) => test(view))
    if (found === undefined) return 1
    const value = valueAt(view.data, found.path)
    const keep = found.keep?.(view)
    if (Array.isArray(value)) return keep === undefined ? value.length : value.filter(keep).length
    const number = Number(textOf(value) || Number.NaN)
    return Number.isFinite(number) && number >= 0 ? number : 1
  }
}

/** What a fingerprint is made of. */
interface Telling {
  parts: readonly string[]
  resource: string
  title: string
  /** Whether resource or title come from the payload. */
  told: boolean
}

/**
 * The parts that the mapping chose; where the payload has none of them, the title without its numbers, for
 * these are what differs between two occurrences of one problem. Where the payload tells neither what it is about
 * nor what happened, the event stands for itself alone. Two sources may send the same words of two systems.
 */
const fingerprintOf = (
  hash: Hash,
  event: Event,
  provider: string,
  about: string,
  { parts, resource, title, told }: Telling,
): string => {
  const chosen = parts.some((part) => part !== '')
    ? parts
    : [event.type, resource, title.replace(/\d+/g, '#'), ...(told ? [] : [event.dedupeKey])]
  const all = [event.tenant, event.source, provider, about, ...chosen]
  return hash(all.map((part) => `${part.length}:${part}`).join('')).slice(0, 32)
}
