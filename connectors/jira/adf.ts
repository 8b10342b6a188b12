import { clipped, type Summary } from '../facts.ts'

type Node = Readonly<Record<string, unknown>>

const textNode = (text: string, href?: string): Node => ({
  type: 'text',
  text,
  ...(href === undefined ? {} : { marks: [{ type: 'link', attrs: { href } }] }),
})

const paragraph = (...content: Node[]): Node => ({ type: 'paragraph', content })

const documentOf = (content: readonly Node[]): Node => ({ type: 'doc', version: 1, content })

/** Atlassian Document Format: typed nodes, so that no text of strangers is ever markup. */
export const adfOf = (summary: Summary, ids: { event: string; dispatch: string }): Node => {
  const { title, severity, status, resource, url } = summary
  const lines = [
    paragraph(textNode(clipped(title, 1_000))),
    paragraph(textNode(`Severity: ${severity}. Status: ${status}.`)),
    ...(resource === '' ? [] : [paragraph(textNode(clipped(resource, 1_000)))]),
    ...(url === '' ? [] : [paragraph(textNode(url, url))]),
    paragraph(textNode(`Event ${ids.event}, dispatch ${ids.dispatch}`)),
  ]
  return documentOf(lines)
}

/** Plain text with line breaks, as a document. */
export const adfOfText = (text: string): Node =>
  documentOf(
    clipped(text, 30_000)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => paragraph(textNode(line))),
  )
