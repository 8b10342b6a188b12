import { describe, expect, it } from 'vitest'
import type { EventFields } from '../../core/event/index.ts'
import type { AnyObject } from '../../core/registry/port.ts'
import type { Outcome } from '../../core/stage/types.ts'
import {
  contextOf,
  destinationOf,
  eventOf,
  itemOf,
  never,
  registryOf,
  routesOf,
} from '../testing.ts'
import { createRoute } from './index.ts'

const destinations = ['archive', 'oncall', 'third'].map((name) => destinationOf({ name }))

const route = async (
  objects: readonly AnyObject[],
  fields: Partial<EventFields> & { body?: unknown } = {},
): Promise<Outcome> => {
  const stage = createRoute(contextOf(registryOf(...destinations, ...objects)))
  const [outcome] = await stage.process([itemOf(eventOf(fields))], never)
  if (outcome === undefined) throw new Error('no outcome')
  return outcome
}

const dispatched = (outcome: Outcome): readonly string[] =>
  outcome.kind === 'dispatch'
    ? outcome.dispatches.map((dispatch) => `${dispatch.route}→${dispatch.destination}`)
    : []

describe('route', () => {
  it('applies all routes that match, in order', async () => {
    const outcome = await route(
      routesOf(
        { name: 'one', to: ['archive'] },
        { name: 'no', when: 'event.type == "other"', to: ['third'] },
        { name: 'two', when: 'event.type.startsWith("check_run")', to: ['oncall', 'third'] },
      ),
    )
    expect(dispatched(outcome)).toEqual(['one→archive', 'two→oncall', 'two→third'])
  })

  it('reads event, body, facts and score', async () => {
    const when =
      'event.data.n == 3 && facts.severity == "high" && score.urgency >= 0.7 && score.model == "table@1" && !score.degraded'
    const facts = { severity: 'high', urgency: 0.8, model: 'table@1' }
    expect(
      dispatched(await route(routesOf({ name: 'r', when }), { body: { n: 3 }, facts })),
    ).toEqual(['r→archive'])
  })

  it('goes no further after a route that says stop', async () => {
    const outcome = await route(
      routesOf(
        { name: 'one', to: ['archive'], stop: true },
        { name: 'two', to: ['oncall'] },
        { name: 'rest', to: ['third'], default: true },
      ),
    )
    expect(dispatched(outcome)).toEqual(['one→archive'])
    expect(outcome.decisions[0]?.details).toMatchObject({ stoppedBy: 'one' })
  })

  it('makes one dispatch of two routes to one destination, with the transform of the first', async () => {
    const outcome = await route(
      routesOf({ name: 'one', transform: '{"a": 1}' }, { name: 'two', transform: '{"b": 2}' }),
    )
    expect(outcome).toMatchObject({
      kind: 'dispatch',
      dispatches: [{ route: 'one', transform: '{"a": 1}' }],
      decisions: [{ route: 'one', details: { alsoBy: ['two'] } }],
    })
    expect(outcome.decisions).toHaveLength(1)
  })

  it('uses default routes only when no other matched', async () => {
    const routes = routesOf(
      { name: 'rest', to: ['archive'], default: true },
      { name: 'mine', when: 'event.type == "mine"', to: ['oncall'] },
    )
    expect(dispatched(await route(routes, { type: 'mine' }))).toEqual(['mine→oncall'])
    const other = await route(routes, { type: 'other' })
    expect(dispatched(other)).toEqual(['rest→archive'])
    expect(other.decisions[0]?.reason).toBe('default_route')
  })

  it('explains for every route why nothing matched', async () => {
    const outcome = await route(
      routesOf(
        { name: 'one', when: 'event.type == "a"' },
        { name: 'two', when: 'event.data.nope.deeper == 1' },
        { name: 'rest', when: 'false', default: true },
        { name: 'empty', to: [] },
      ),
      { body: {} },
    )
    expect(outcome).toMatchObject({ kind: 'drop', reason: 'no_route' })
    const [decision] = outcome.decisions
    expect(decision?.details.routes).toEqual([
      { route: 'one', because: 'false', detail: 'event.type == "a"' },
      { route: 'two', because: 'error', detail: expect.stringContaining('nope') },
      { route: 'empty', because: 'empty', detail: 'it names no destination' },
      { route: 'rest', because: 'false', detail: 'false' },
    ])
  })

  it('keeps the explanation of very many routes bounded', async () => {
    const many = Array.from({ length: 250 }, (_, index) => ({ name: `r-${index}`, when: 'false' }))
    const [decision] = (await route(routesOf(...many))).decisions
    expect(decision?.details.routes).toHaveLength(100)
    expect(decision?.details.routesTotal).toBe(250)
  })

  it('explains a tenant without routes', async () => {
    const outcome = await route([], { tenant: 'globex' })
    expect(outcome.decisions).toMatchObject([{ reason: 'no_route', details: { routes: [] } }])
  })

  it('records a rule that fails and goes on with the others', async () => {
    const outcome = await route(
      routesOf(
        { name: 'broken', when: 'event.type ===' },
        { name: 'wrong', when: 'event.data.nope.deeper == 1' },
        { name: 'good', to: ['oncall'] },
      ),
    )
    expect(dispatched(outcome)).toEqual(['good→oncall'])
    expect(outcome.decisions[0]?.details.errors).toMatchObject([
      { route: 'broken' },
      { route: 'wrong' },
    ])
  })

  it('does not dispatch to what is switched off or gone, and says so', async () => {
    const off = destinationOf({ name: 'off', disabled: true })
    const routes = routesOf({ name: 'r', to: ['off', 'gone', 'archive'] })
    const outcome = await route([off, ...routes])
    expect(dispatched(outcome)).toEqual(['r→archive'])
    expect(outcome.decisions.map(({ verdict, reason }) => [verdict, reason])).toEqual([
      ['drop', 'destination_disabled'],
      ['drop', 'destination_missing'],
      ['dispatch', 'matched'],
    ])
    const nothing = await route([off, ...routesOf({ name: 'r', to: ['off'] })])
    expect(nothing).toMatchObject({ kind: 'drop', reason: 'destination_disabled' })
  })

  it('keys by destination and order where the destination is ordered, else by dispatch id', async () => {
    const ordered = destinationOf({ name: 'lined-up', ordered: true })
    const outcome = await route(
      [ordered, ...routesOf({ name: 'r', to: ['lined-up', 'archive'] })],
      {
        key: 'acme/hook/repo',
      },
    )
    if (outcome.kind !== 'dispatch') throw new Error('not dispatched')
    const [first, second] = outcome.dispatches
    expect(first?.key).toBe('acme/lined-up/acme/hook/repo')
    expect(second?.key).toBe(second?.id)
  })

  it('gives copies of a delivery one dispatch id, whatever the revision', async () => {
    const one = await route(routesOf({ name: 'r' }), { deliveryId: 'd', id: 'one' })
    const two = await route(routesOf({ name: 'renamed', when: '1 == 1' }), {
      deliveryId: 'd',
      id: 'two',
    })
    if (one.kind !== 'dispatch' || two.kind !== 'dispatch') throw new Error('not dispatched')
    expect(one.dispatches[0]?.id).toBe(two.dispatches[0]?.id)
    expect(one.dispatches[0]?.revision).not.toBe(two.dispatches[0]?.revision)
  })

  it('decides a batch by one revision, and sees the next one in the next batch', async () => {
    const before = registryOf(...destinations, ...routesOf({ name: 'old' }))
    const after = registryOf(...destinations, ...routesOf({ name: 'new', to: ['oncall'] }))
    const context = contextOf(before)
    let asked = 0
    const stage = createRoute({
      ...context,
      registry: () => {
        asked += 1
        return asked === 1 ? before : after
      },
    })
    const items = [itemOf(eventOf()), itemOf(eventOf())]
    const first = await stage.process(items, never)
    expect(first.map(dispatched)).toEqual([['old→archive'], ['old→archive']])
    const [next] = await stage.process(items.slice(1), never)
    expect(next && dispatched(next)).toEqual(['new→oncall'])
    expect(next?.decisions[0]?.details.revision).toBe(after.revision)
  })

  it('carries run and revision on', async () => {
    const context = contextOf(registryOf(...destinations, ...routesOf({ name: 'r' })))
    const [outcome] = await createRoute(context).process([itemOf(eventOf(), 3, 'replay-9')], never)
    expect(outcome).toMatchObject({
      dispatches: [
        {
          run: 'replay-9',
          revision: context.snapshot.revision,
          attempt: 0,
          notBefore: 0,
          createdAt: context.time,
        },
      ],
    })
  })
})
