import { describe, expect, it } from 'vitest'
import type { Event } from '../../core/event/index.ts'
import type { Snapshot } from '../../core/registry/types.ts'
import {
  contextOf,
  itemOf,
  never,
  registryOf,
  type Sample,
  sampleEvent,
  samples,
  samplesMissing,
} from '../testing.ts'
import { expectations } from './expected.ts'
import { categories, createEnrich, type Facts, severities, statuses } from './index.ts'
import { mappings } from './mappings/index.ts'

const all = samples()
if (all.length === 0) console.info(`skipped: facts of sample payloads: ${samplesMissing}`)

const columns = [
  'kind',
  'severity',
  'category',
  'status',
  'resource',
  'actor',
  'title',
  'url',
  'environment',
  'branch',
] as const

const expected = new Map(
  expectations
    .trim()
    .split('\n')
    .map((line) => {
      const [file = '', ...cells] = line.split('|').map((cell) => cell.trim())
      const facts: Record<string, unknown> = {
        count: Number(cells[10] || 1),
        test: cells[11] === 'test',
      }
      for (const [index, name] of columns.entries()) facts[name] = cells[index] ?? ''
      return [file, facts] as const
    }),
)

const factsOf = async (event: Event, registry?: Snapshot): Promise<Facts> => {
  const [outcome] = await createEnrich(contextOf(registry)).process([itemOf(event)], never)
  if (outcome?.kind !== 'emit') throw new Error('not emitted')
  return outcome.event.facts as unknown as Facts
}

const sample = (file: string): Sample => {
  const found = all.find((each) => each.file === file)
  if (found === undefined) throw new Error(`no sample ${file}`)
  return found
}

describe.skipIf(all.length === 0)('facts of real payloads', () => {
  it('covers every sample', () => {
    expect([...expected.keys()].sort()).toEqual(all.map(({ file }) => file).sort())
  })

  it('has a mapping for every provider of the samples', () => {
    const providers = new Set(all.map(({ provider }) => provider))
    expect(mappings.map(({ provider }) => provider)).toEqual(expect.arrayContaining([...providers]))
  })

  it.each(all)('$file', async (each) => {
    const facts = await factsOf(sampleEvent(each))
    expect(facts).toMatchObject({ ...expected.get(each.file), provider: each.provider })
    expect(facts.fingerprint).toMatch(/^[0-9a-f]{32}$/)
    expect(severities).toContain(facts.severity)
    expect(categories).toContain(facts.category)
    expect(statuses).toContain(facts.status)
  })

  it.each(all)('$file through a source that does not say who sends', async (each) => {
    const stranger = sampleEvent(each, { provider: 'token', source: 'hook', type: 'event' })
    expect(await factsOf(stranger)).toMatchObject({
      ...expected.get(each.file),
      provider: each.provider,
    })
  })

  it('takes the provider that the source names over what the body looks like', async () => {
    const registry = registryOf({
      kind: 'source',
      spec: {
        tenant: 'acme',
        name: 'hook',
        provider: 'grafana',
        secrets: [],
        dedupe: {},
        maxBody: 1,
        replay: 'accept',
      },
    })
    const event = sampleEvent(sample('alertmanager-firing-group.json'), {
      provider: 'token',
      source: 'hook',
    })
    expect((await factsOf(event)).provider).toBe('alertmanager')
    expect((await factsOf(event, registry)).provider).toBe('grafana')
  })

  it.each<[string, string, string]>([
    ['firing and resolved', 'alertmanager-firing-group.json', 'alertmanager-resolved-group.json'],
    ['opened and resolved', 'jira-issue_created.json', 'jira-issue_updated-resolved.json'],
    ['an issue and its comment', 'jira-issue_created.json', 'jira-comment_created.json'],
    ['an issue and its comment', 'github-issues.opened.json', 'github-issue_comment.created.json'],
    [
      'a pull request and its review',
      'github-pull_request.opened.json',
      'github-pull_request_review.submitted.json',
    ],
  ])('gives %s one fingerprint', async (_, one, other) => {
    const [first, second] = await Promise.all(
      [one, other].map((file) => factsOf(sampleEvent(sample(file)))),
    )
    expect(first?.fingerprint).toBe(second?.fingerprint)
  })

  it('gives different problems and tenants different fingerprints', async () => {
    const facts = await Promise.all([
      ...all.map((each) => factsOf(sampleEvent(each))),
      factsOf(sampleEvent(sample('github-push.json'), { tenant: 'globex' })),
    ])
    const about = new Map<string, Set<string>>()
    for (const { fingerprint, resource, provider, title } of facts) {
      const known = about.get(fingerprint) ?? new Set()
      about.set(fingerprint, known.add(`${provider} ${resource || title}`))
    }
    for (const same of about.values()) expect([...same]).toHaveLength(1)
    expect(about.size).toBe(facts.length - 6)
  })
})
