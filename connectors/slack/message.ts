import { clipped, objectOf, summaryOf } from '../facts.ts'
import type { Attempt } from '../types.ts'

/** Slack's own escaping: with it, no text of strangers can mention, link or format. */
export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

// A link ends at `|` and `>`; what a URL may not hold plainly is percent-encoded.
const linkOf = (url: string, label: string): string =>
  `<${escaped(url).replaceAll('|', '%7C')}|${escaped(label).replaceAll('|', '/')}>`

const marks: Readonly<Record<string, string>> = {
  critical: ':red_circle:',
  high: ':large_orange_circle:',
  medium: ':large_yellow_circle:',
  low: ':large_blue_circle:',
}

const mrkdwn = (text: string): object => ({ type: 'mrkdwn', text })

/** A message that reads well without a transform: what, how bad, where, and who says so. */
const plainMessage = (attempt: Attempt): Record<string, unknown> => {
  const { event } = attempt.dispatch
  const { title, severity, status, resource, url } = summaryOf(attempt)
  const mark = marks[severity] === undefined ? '' : `${marks[severity]} `
  const short = clipped(title, 300)
  const linked = `*${linkOf(url, short)}*`
  const headline = url === '' || linked.length > 2_900 ? `*${escaped(short)}*` : linked
  const facts = [
    severity === 'unknown' ? '' : `severity: ${escaped(severity)}`,
    status === 'unknown' ? '' : `status: ${escaped(status)}`,
    resource === '' ? '' : escaped(clipped(resource, 200)),
    escaped(clipped(`${event.provider} · ${event.type}`, 200)),
  ].filter((fact) => fact !== '')
  return {
    text: clipped(`${mark}${escaped(short)}`, 3_000),
    blocks: [
      { type: 'section', text: mrkdwn(`${mark}${headline}`) },
      { type: 'context', elements: [mrkdwn(clipped(facts.join('  ·  '), 2_000))] },
    ],
    unfurl_links: false,
    unfurl_media: false,
  }
}

/** The transform's result is the payload as it is, a text of it is the message's text. */
export const messageOf = (attempt: Attempt): Record<string, unknown> => {
  const { transformed } = attempt
  if (transformed === undefined) return plainMessage(attempt)
  const object = objectOf(transformed)
  if (object !== undefined) return { ...object }
  return { text: typeof transformed === 'string' ? transformed : JSON.stringify(transformed) }
}
