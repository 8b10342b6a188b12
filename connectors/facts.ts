import type { Attempt } from './types.ts'

/** What enrich said of an event, as connectors need it; sound even where the stage did not run. */
export interface Summary {
  title: string
  severity: string
  status: string
  resource: string
  url: string
  /** Equal for every occurrence of the same problem. */
  fingerprint: string
  /** The problem is over. */
  over: boolean
}

const ended = new Set(['resolved', 'closed', 'succeeded', 'cancelled'])

export const summaryOf = ({ dispatch: { event } }: Attempt): Summary => {
  const text = (name: string): string => {
    const value = event.facts[name]
    return typeof value === 'string' ? value : ''
  }
  const status = text('status')
  return {
    title: text('title') || `${event.provider}: ${event.type}`,
    severity: text('severity') || 'unknown',
    status: status || 'unknown',
    resource: text('resource'),
    url: /^https?:\/\//i.test(text('url')) ? text('url') : '',
    fingerprint: text('fingerprint') || event.dedupeKey,
    over: ended.has(status),
  }
}

export const clipped = (text: string, length: number): string => {
  if (text.length <= length) return text
  // Not through the middle of a surrogate pair.
  const end = /[\ud800-\udbff]$/.test(text.slice(0, length - 1)) ? length - 2 : length - 1
  return `${text.slice(0, end)}…`
}

/** What the transform made, if it is an object. */
export const objectOf = (transformed: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof transformed === 'object' && transformed !== null && !Array.isArray(transformed)
    ? (transformed as Readonly<Record<string, unknown>>)
    : undefined
