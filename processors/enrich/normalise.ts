import type { Event, Hash } from '../../core/event/index.ts'
import {
  compileConditions,
  compileRules,
  openedData,
  type Read,
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
import type { FactRules, Mapping } from './mapping.ts'
import { type CompiledPath, compileFactPath, valueAt } from './path.ts'

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
  count: CompiledPath | undefined
  test: Test | undefined
}

const compileFacts = (rules: FactRules): CompiledRules => {
  const reads = [...texts, ...words].map((name) => [name, compileRules(rules[name])] as const)
  return {
    reads: Object.fromEntries(reads) as CompiledRules['reads'],
    fingerprint: rules.fingerprint?.map((part) => compileRules(part)),
    count: rules.count === undefined ? undefined : compileFactPath(rules.count),
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
      const kind = found?.kind ?? 'event'
      const title = lineOf(read('title'), 200) || event.type || `${mapping.provider} ${kind}`
      const resource = lineOf(read('resource'), 300)
      const parts = (special?.fingerprint ?? general.fingerprint)?.map((part) => part(view)) ?? []
      return {
        severity: wordOf<Severity>(severities, read('severity'), 'unknown'),
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
        }),
        count: countOf(view, special?.count ?? general.count),
        test: (special?.test ?? general.test)?.(view) ?? false,
        provider: mapping.provider,
      }
    },
  }
}

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

const countOf = ({ data }: View, path: CompiledPath | undefined): number => {
  if (path === undefined) return 1
  const value = valueAt(data, path)
  if (Array.isArray(value)) return value.length
  const count = Number(textOf(value) || Number.NaN)
  return Number.isFinite(count) && count >= 0 ? count : 1
}

/**
 * The parts that the mapping chose; where the payload has none of them, the title without its numbers, for
 * these are what differs between two occurrences of one problem.
 */
const fingerprintOf = (
  hash: Hash,
  event: Event,
  provider: string,
  about: string,
  { parts, resource, title }: { parts: readonly string[]; resource: string; title: string },
): string => {
  const chosen = parts.some((part) => part !== '')
    ? parts
    : [event.source, event.type, resource, title.replace(/\d+/g, '#')]
  const all = [event.tenant, provider, about, ...chosen]
  return hash(all.map((part) => `${part.length}:${part}`).join('')).slice(0, 32)
}
