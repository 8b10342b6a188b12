import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Draft, Outcome } from '../core/stage/types.ts'
import { brokenPromises, stageContract } from './contract.ts'
import { createDedupe, createEnrich, createRoute, createScore, stageComponents } from './index.ts'
import { contextOf, destinationOf, eventOf, itemOf, registryOf, routesOf } from './testing.ts'

const event = eventOf()
const facts = { severity: 'high', status: 'failed', category: 'build', title: 'x', urgency: 0.7 }

stageContract('dedupe', {
  spec: componentSpec('dedupe'),
  create: () => createDedupe(contextOf()),
  items: () => [
    itemOf(event, 0),
    itemOf(event, 1),
    itemOf(eventOf({ id: '01920000-0000-7000-8000-000000000002' }), 2),
    itemOf(eventOf({ id: '01920000-0000-7000-8000-000000000003', dedupeKey: 'other' }), 3),
  ],
})

stageContract('enrich', {
  spec: componentSpec('enrich'),
  create: () => createEnrich(contextOf()),
  items: () => [
    itemOf(eventOf({ body: { action: 'completed', check_run: { conclusion: 'failure' } } })),
    itemOf(eventOf({ provider: 'token', body: { title: 'a', status: 'open' } })),
    itemOf(eventOf({ contentType: 'text/xml', raw: new TextEncoder().encode('<a/>') })),
  ],
})

stageContract('score', {
  spec: componentSpec('score'),
  create: () => createScore(contextOf()),
  items: () => [itemOf(event), itemOf(eventOf({ facts }))],
  unreached: { degraded: 'the default scorer neither fails nor waits; see score.test.ts' },
})

stageContract('route', {
  spec: componentSpec('route'),
  create: () =>
    createRoute(
      contextOf(
        registryOf(
          destinationOf({ name: 'archive' }),
          destinationOf({ name: 'off', disabled: true }),
          ...routesOf(
            { name: 'a', when: 'event.type == "a"', to: ['archive', 'off', 'gone'] },
            { name: 'b', when: 'event.type == "b" && event.data.nope.deeper', to: ['archive'] },
            { name: 'rest', when: 'event.type != "b"', default: true },
          ),
        ),
      ),
    ),
  items: () => ['a', 'b', 'c'].map((type) => itemOf(eventOf({ type, facts }))),
})

function componentSpec(name: string) {
  const found = stageComponents.find(({ spec }) => spec.name === name)
  if (found === undefined) throw new Error(`no stage ${name}`)
  return found.spec
}

describe('the contract itself', () => {
  const spec = componentSpec('score')
  const items = [itemOf(event)]
  const passing: Draft = { verdict: 'pass', reason: 'scored', details: {} }
  const broken = (outcome: Outcome): readonly string[] => brokenPromises(spec, items, [outcome])

  it('lets a good outcome pass', () => {
    expect(broken({ kind: 'emit', event, decisions: [passing] })).toEqual([])
  })

  it.each<[string, Outcome]>([
    ['no decision', { kind: 'emit', event, decisions: [] }],
    [
      'not declared',
      { kind: 'emit', event, decisions: [{ ...passing, reason: 'because_of_the_moon' }] },
    ],
    [
      'not declared',
      { kind: 'drop', reason: 'bored', decisions: [{ ...passing, verdict: 'drop' }] },
    ],
    ['without saying so', { kind: 'drop', reason: 'scored', decisions: [passing] }],
    ['share one id', { kind: 'emit', event, decisions: [passing, passing] }],
    [
      'no JSON',
      {
        kind: 'emit',
        event,
        decisions: [{ ...passing, details: { n: Number.NaN, at: undefined } }],
      },
    ],
    ['another event', { kind: 'emit', event: eventOf({ id: 'x' }), decisions: [passing] }],
    ['dispatches nothing', { kind: 'dispatch', dispatches: [], decisions: [passing] }],
  ])('sees an outcome that %s', (fault, outcome) => {
    expect(broken(outcome).join('; ')).toContain(fault)
  })

  it('sees outcomes that are missing', () => {
    expect(brokenPromises(spec, items, [])).toEqual(['0 outcomes for 1 items'])
  })
})

describe('the list of stages', () => {
  it('is the chain, in order, with examples that are YAML', () => {
    expect(stageComponents.map(({ spec }) => spec.name)).toEqual([
      'dedupe',
      'enrich',
      'score',
      'route',
    ])
    for (const { spec, create } of stageComponents) {
      expect(create(contextOf()).name).toBe(spec.name)
      for (const { yaml } of spec.examples) expect(parse(yaml)).toBeTypeOf('object')
    }
  })
})
