import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contextOf, eventOf, itemOf, never, sha256 } from '../testing.ts'
import {
  categories,
  createEnrich,
  type Facts,
  type Mapping,
  severities,
  statuses,
} from './index.ts'
import { mappings } from './mappings/index.ts'
import { compileMapping } from './normalise.ts'
import { factsOf } from './testing.ts'

const apply = (mapping: Partial<Mapping>, body: unknown, fields = {}): Facts =>
  compileMapping({ provider: 'p', detect: [], kinds: [], facts: {}, ...mapping }).factsOf(
    eventOf({ body, ...fields }),
    sha256,
  )

describe('the generic mapping', () => {
  it('sniffs the names that most payloads use', async () => {
    const body = {
      severity: 'WARNING',
      status: 'firing',
      title: 'Disk is full',
      host: 'db-1',
      user: { name: 'ann' },
      html_url: 'https://example.test/1',
      tags: ['env:production'],
      fingerprint: 'f-1',
    }
    expect(await factsOf({ provider: 'token', body })).toMatchObject({
      provider: 'generic',
      severity: 'medium',
      category: 'alert',
      status: 'open',
      title: 'Disk is full',
      resource: 'db-1',
      actor: 'ann',
      url: 'https://example.test/1',
      environment: 'production',
    })
  })

  it('gives repeated problems one fingerprint, by their own key or by the title without numbers', async () => {
    const of = async (body: unknown): Promise<string> =>
      (await factsOf({ provider: 'token', body })).fingerprint
    expect(await of({ dedup_key: 'k', title: 'a' })).toBe(await of({ dedup_key: 'k', title: 'b' }))
    expect(await of({ title: 'Load 93 % on db' })).toBe(await of({ title: 'Load 97 % on db' }))
    expect(await of({ title: 'Load 93 % on db' })).not.toBe(await of({ title: 'Load on cache' }))
  })

  it('says what little it knows of a body that is no data', async () => {
    const fields = {
      provider: 'token',
      type: 'note',
      contentType: 'text/xml',
      raw: new TextEncoder().encode('<a/>'),
    }
    expect(await factsOf(fields)).toMatchObject({
      severity: 'unknown',
      category: 'other',
      title: 'note',
      resource: '',
    })
  })
})

describe('a mapping', () => {
  it('takes the first rule that gives a value, those of the kind before the general ones', () => {
    const mapping: Partial<Mapping> = {
      kinds: [
        { kind: 'special', when: { path: 'special' }, title: { path: 'special.title' } },
        { kind: 'later', when: { path: 'special' }, title: { value: 'never' } },
      ],
      facts: { title: [{ path: ['missing', 'title'] }, { value: 'fallback' }] },
    }
    expect(apply(mapping, { special: { title: 's' }, title: 't' })).toMatchObject({
      kind: 'special',
      title: 's',
    })
    expect(apply(mapping, { special: {}, title: 't' }).title).toBe('t')
    expect(apply(mapping, {}).title).toBe('fallback')
  })

  it('tests type, header, value, its ends, what it is not, number and absence', () => {
    const when = [
      { type: 'a.b' },
      { header: 'x-one', is: '1' },
      { path: 'n', atLeast: 2 },
      { path: 'url', prefix: 'https://' },
      { path: 'url', suffix: '.test' },
      { path: 'url', not: ['https://y.test'] },
      { path: 'gone', not: 'there' },
      { path: 'gone', absent: true as const },
    ]
    const mapping: Partial<Mapping> = { kinds: [{ kind: 'hit', when }] }
    const body = { n: 2, url: 'https://x.test' }
    const fields = { type: 'a.b.c', headers: { 'x-one': '1' } }
    expect(apply(mapping, body, fields).kind).toBe('hit')
    for (const [other, more] of [
      [{ ...body, n: 1 }, fields],
      [{ ...body, n: 'many' }, fields],
      [{ ...body, url: 'http://x.test' }, fields],
      [{ ...body, url: 'https://x' }, fields],
      [{ ...body, url: 'https://y.test' }, fields],
      [{ ...body, gone: 0 }, fields],
      [body, { ...fields, type: 'a.bc' }],
      [body, { ...fields, headers: {} }],
    ])
      expect(apply(mapping, other, more).kind).toBe('event')
  })

  it('takes the worst of many severities, and the first path that has any', () => {
    const map = { bad: 'critical', so: 'medium', good: 'info' } as const
    const facts = { severity: { path: ['list.*.level', 'level'], map } }
    expect(apply({ facts }, { list: [{ level: 'good' }, { level: 'Bad' }, {}] }).severity).toBe(
      'critical',
    )
    expect(apply({ facts }, { list: [], level: 'so' }).severity).toBe('medium')
    expect(apply({ facts }, { list: [{ level: 'so' }], level: 'bad' }).severity).toBe('medium')
    expect(apply({ facts }, { level: 'constructor' }).severity).toBe('unknown')
  })

  it('leaves out elements that do not count, for every kind of rule', () => {
    const map = { bad: 'critical', so: 'medium' } as const
    const open = { path: 'state', not: 'over' }
    const facts = {
      severity: { path: 'list.*.level', each: open, map },
      resource: { path: 'list.*.name', each: open },
      title: { template: '{list.*.name} of {all}', each: open },
      count: [
        { when: { path: 'whole' }, path: 'list' },
        { path: 'list', each: open },
      ],
    }
    const list = [
      { state: 'over', level: 'bad', name: 'a' },
      { state: 'on', level: 'so', name: 'b' },
      { level: 'so', name: 'c' },
    ]
    const told = { severity: 'medium', resource: 'b', title: 'b of 3', count: 2 }
    expect(apply({ facts }, { list, all: 3 })).toMatchObject(told)
    expect(apply({ facts }, { list, whole: true }).count).toBe(3)
    expect(apply({ facts }, { list: list.slice(0, 1) })).toMatchObject({
      severity: 'unknown',
      count: 0,
    })
    const late = [...Array(500).fill(list[0]), list[1]]
    expect(apply({ facts }, { list: late })).toMatchObject({ severity: 'medium', count: 1 })
  })

  it('passes over values that say nothing', () => {
    const facts = { resource: { path: ['pod', 'host'], except: ['<NA>'] } }
    expect(apply({ facts }, { pod: '<NA>', host: 'h' }).resource).toBe('h')
    expect(apply({ facts }, { pod: '<NA>' }).resource).toBe('')
  })

  it('takes its default for the kinds that it knows alone', () => {
    const mapping: Partial<Mapping> = {
      kinds: [{ kind: 'known', when: { path: 'known' } }],
      facts: { severity: [{ path: 'level', map: { bad: 'high' } }, { value: 'info' }] },
    }
    expect(apply(mapping, { known: 1 }).severity).toBe('info')
    expect(apply(mapping, {}).severity).toBe('unknown')
    expect(apply(mapping, { level: 'bad' }).severity).toBe('high')
  })

  it('fills templates whole or not at all', () => {
    const facts = { title: [{ template: '{a|b} in {["x.y"].z}!' }, { value: 'none' }] }
    expect(apply({ facts }, { b: 1, 'x.y': { z: true } }).title).toBe('1 in true!')
    expect(apply({ facts }, { b: 1 }).title).toBe('none')
  })

  it('finds tags in lists, pairs and text', () => {
    const facts = { environment: { path: 'tags', tag: ['env'] } }
    for (const tags of [['a', 'env:prod'], [['env', 'prod']], 'team:a, env:prod'])
      expect(apply({ facts }, { tags }).environment).toBe('prod')
    expect(apply({ facts }, { tags: { env: 'prod' } }).environment).toBe('')
  })

  it('reads JSON within text, and leaves text that is none', () => {
    const mapping = { json: ['m'], facts: { title: { path: ['m.a', 'm'] } } }
    expect(apply(mapping, { m: '{"a":"in"}' }).title).toBe('in')
    expect(apply(mapping, { m: '{not json' }).title).toBe('{not json')
  })

  it('keeps titles one short line and URLs what they claim to be', () => {
    const facts = { title: { path: 'title' }, url: { path: 'url' } }
    expect(apply({ facts }, { title: ' a\n\u0000\u2028b ' }).title).toBe('a b')
    expect(apply({ facts }, { title: 'x'.repeat(5_000) }).title).toHaveLength(200)
    for (const url of ['javascript:alert(1)', 'https://x\n.test', 'ftp://x', '//x', 'https://'])
      expect(apply({ facts }, { url }).url).toBe('')
    expect(apply({ facts }, { url: 'https://x.test/a?b' }).url).toBe('https://x.test/a?b')
  })
})

describe('F29: enrich on hostile bodies', () => {
  it('always gives whole, bounded facts in known words, through every mapping', async () => {
    const names = ['alerts', 'event', 'data', 'type', 'object', 'issue', 'labels', '__proto__', '0']
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.dictionary(fc.constantFrom(...names), tie('node'), { maxKeys: 5 }),
        fc.array(tie('node'), { maxLength: 4 }),
      ),
    })).node
    await fc.assert(
      fc.asyncProperty(
        value,
        fc.constantFrom('token', ...mappings.map(({ provider }) => provider)),
        async (body, provider) => {
          const facts = await factsOf({ provider, body })
          expect(severities).toContain(facts.severity)
          expect(categories).toContain(facts.category)
          expect(statuses).toContain(facts.status)
          for (const name of [
            'resource',
            'actor',
            'title',
            'url',
            'environment',
            'branch',
          ] as const)
            expect(facts[name].length).toBeLessThanOrEqual(name === 'url' ? 2_000 : 300)
          expect(facts.title).not.toBe('')
          expect(facts.fingerprint).toMatch(/^[0-9a-f]{32}$/)
          expect(Number.isFinite(facts.count)).toBe(true)
          expect(JSON.parse(JSON.stringify(facts))).toEqual(facts)
        },
      ),
      { numRuns: 400 },
    )
  })

  it('stays quick on a body with a hundred thousand elements', async () => {
    const body = {
      groupKey: 'g',
      receiver: 'r',
      alerts: Array.from({ length: 100_000 }, () => ({
        labels: { severity: 'info', alertname: 'Watchdog' },
      })),
    }
    const event = eventOf({ provider: 'alertmanager', body })
    expect(event.data).toBeDefined()
    const stage = createEnrich(contextOf())
    const started = performance.now()
    await stage.process([itemOf(event)], never)
    expect(performance.now() - started).toBeLessThan(500)
  })

  const text = 'x'.repeat(5_000_000)
  const deep = (levels: number): unknown => {
    let value: unknown = { title: 'in' }
    for (let level = 0; level < levels; level += 1)
      value = level % 2 === 0 ? { data: value, alerts: [value] } : [value]
    return value
  }
  const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`k${n}`, n]))
  const each: readonly [string, (path: readonly string[]) => unknown][] = [
    ['texts of 5 MB', () => text],
    ['lists of a hundred thousand', () => Array(100_000).fill({ title: text, severity: text })],
    ['objects of a hundred thousand names', () => wide],
    ['what is nested a thousand deep', () => deep(1_000)],
    ['numbers beyond all bounds', () => 1e308],
    ['nothing', () => null],
    ['lists of lists', () => [[[[1]], [[2]]], [[[3]]]]],
    ['markup that looks like a template', () => '{title|a} {{7*7}} {__proto__}'],
  ]

  it.each(each)('are quick and small where a mapping meets %s', async (_, make) => {
    for (const mapping of [...mappings, { ...none, provider: 'token' }]) {
      const body = bodyOf(mapping, make)
      const event = eventOf({ provider: mapping.provider, raw: new Uint8Array(), body: {} })
      const view = Object.defineProperty({ ...event }, 'data', { value: body })
      const started = performance.now()
      const [outcome] = await createEnrich(contextOf()).process([itemOf(view)], never)
      expect(performance.now() - started).toBeLessThan(2_000)
      if (outcome?.kind !== 'emit') throw new Error('not emitted')
      const facts = outcome.event.facts
      expect(Buffer.byteLength(JSON.stringify(facts))).toBeLessThan(4_096)
      for (const [name, fact] of Object.entries(facts))
        if (typeof fact === 'string')
          expect(fact.length).toBeLessThanOrEqual(name === 'url' ? 2_000 : 300)
      expect(severities).toContain(facts.severity)
      expect(categories).toContain(facts.category)
      expect(statuses).toContain(facts.status)
      // What was put in for a template's place is not read as one.
      expect(JSON.stringify({ ...facts, fingerprint: '' })).not.toContain('49')
    }
  })
})

const none: Mapping = { provider: 'p', detect: [], kinds: [], facts: {} }

/** The value at every path that a mapping names, whole and at each of its steps. */
const bodyOf = (mapping: Mapping, make: (path: readonly string[]) => unknown): unknown => {
  const paths = new Set<string>(['title', 'severity', 'status', 'alerts'])
  const gather = (value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) gather(one)
    else if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value)) {
        const said = name === 'path' || name === 'count' ? [inner].flat() : []
        for (const one of said) if (typeof one === 'string') paths.add(one)
        gather(inner)
      }
  }
  gather(mapping)
  const body: Record<string, unknown> = {}
  for (const path of paths) {
    const steps = path.split('.').filter((step) => !step.includes('['))
    let at = body
    for (const [index, step] of steps.entries()) {
      const inner = Object.hasOwn(at, step) ? at[step] : undefined
      if (index === steps.length - 1) at[step] ??= make(steps)
      else if (typeof inner === 'object' && inner !== null && !Array.isArray(inner))
        at = inner as Record<string, unknown>
      else if (steps[index + 1] === '*') {
        at[step] = make(steps)
        break
      } else {
        const next: Record<string, unknown> = {}
        at[step] = next
        at = next
      }
    }
  }
  return body
}
