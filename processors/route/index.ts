import { z } from 'zod'
import type { ComponentSpec } from '../../core/config/component.ts'
import { type Dispatch, dispatchIdOf, type Event } from '../../core/event/index.ts'
import type { Destination, Snapshot } from '../../core/registry/types.ts'
import type { Draft, Item, Outcome, Stage, StageContext } from '../../core/stage/types.ts'
import { type Choice, chooseRoutes } from './choose.ts'
import { type ConditionCache, createConditionCache } from './conditions.ts'

export const routeSpec: ComponentSpec<Record<string, never>> = {
  name: 'route',
  kind: 'stage',
  summary: 'Chooses destinations by the rules of the tenant, one dispatch per destination',
  status: 'stable',
  config: z.strictObject({}),
  reasons: {
    matched: 'The condition of a route holds',
    default_route: 'No other route matched, and the route is the default',
    no_route: 'No route matched; the details list every route and why it did not',
    destination_disabled: 'A matching route names a destination that is switched off',
    destination_missing: 'A matching route names a destination that does not exist',
  },
  examples: [
    {
      title: 'Failed builds of the main branch go to a channel, the rest to an archive',
      yaml: [
        'routes:',
        '  - name: broken-main',
        '    when: facts.status == "failed" && facts.branch == "main"',
        '    to: [builds]',
        '  - name: rest',
        '    default: true',
        '    when: "true"',
        '    to: [archive]',
        '',
      ].join('\n'),
    },
  ],
}

/** One registry snapshot per batch: an event is decided by exactly one revision, which every decision names. */
export const createRoute = (context: StageContext): Stage => {
  const conditions = createConditionCache()
  return {
    name: 'route',
    async process(items) {
      const snapshot = context.registry()
      const now = context.now()
      conditions.use(snapshot)
      return items.map((item) => routed(item, snapshot, conditions, context, now))
    },
  }
}

const routed = (
  item: Item,
  snapshot: Snapshot,
  conditions: ConditionCache,
  { hash }: StageContext,
  now: number,
): Outcome => {
  const { event } = item
  const { revision } = snapshot
  const choice = chooseRoutes(event, snapshot.routes(event.tenant), conditions)
  if (choice.targets.length === 0)
    return {
      kind: 'drop',
      reason: 'no_route',
      decisions: [
        {
          verdict: 'drop',
          reason: 'no_route',
          details: { revision, ...listed('routes', choice.unmatched) },
        },
      ],
    }
  const dispatches: Dispatch[] = []
  const decisions: Draft[] = []
  for (const target of choice.targets) {
    const destination = snapshot.destination(event.tenant, target.destination)
    const dispatchId = dispatchIdOf(hash, event, target.destination)
    const live = destination !== undefined && !destination.disabled
    decisions.push({
      ...(live
        ? { verdict: 'dispatch', reason: target.byDefault ? 'default_route' : 'matched' }
        : {
            verdict: 'drop',
            reason: destination === undefined ? 'destination_missing' : 'destination_disabled',
          }),
      route: target.route.name,
      destination: target.destination,
      dispatchId,
      details: detailsOf(choice, target, revision),
    })
    if (live)
      dispatches.push({
        id: dispatchId,
        event,
        destination: target.destination,
        route: target.route.name,
        revision,
        ...(target.route.transform !== undefined && { transform: target.route.transform }),
        key: dispatchKey(event, destination, dispatchId),
        run: item.run,
        attempt: 0,
        createdAt: now,
        notBefore: 0,
      })
  }
  return dispatches.length > 0
    ? { kind: 'dispatch', dispatches, decisions }
    : { kind: 'drop', reason: decisions[0]?.reason ?? 'no_route', decisions }
}

/** Ordered destinations keep the event's order; the others spread over all partitions. */
const dispatchKey = (event: Event, destination: Destination, dispatchId: string): string =>
  destination.ordered ? `${event.tenant}/${destination.name}/${event.key}` : dispatchId

const detailsOf = (
  { errors, stoppedBy }: Choice,
  { route, alsoBy }: Choice['targets'][number],
  revision: string,
): Draft['details'] => ({
  revision,
  when: route.when,
  ...(alsoBy.length > 0 && { alsoBy }),
  ...(stoppedBy !== undefined && { stoppedBy }),
  ...(errors.length > 0 && listed('errors', errors)),
})

/** A tenant may have thousands of routes; a decision repeats so many and says how many there are. */
const mostListed = 100

const listed = (name: string, list: readonly unknown[]): Draft['details'] =>
  list.length > mostListed
    ? { [name]: list.slice(0, mostListed), [`${name}Total`]: list.length }
    : { [name]: list }
