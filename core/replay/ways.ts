import { type Dispatch, dispatchIdOf, type Event, type Hash } from '../event/index.ts'
import type { Destination, Snapshot } from '../registry/types.ts'
import type { Draft, Item, Outcome, Stage } from '../stage/types.ts'
import { type EntryPoint, entries } from './types.ts'

export interface WaysOptions {
  registry(): Snapshot
  hash: Hash
  now(): number
}

/** The stages from an entry point on, and those before it. */
export const splitAt = (
  stages: readonly Stage[],
  from: EntryPoint,
): { before: readonly Stage[]; after: readonly Stage[] } => {
  const place = entries.indexOf(from)
  const placeOf = ({ name }: Stage): number => (entries as readonly string[]).indexOf(name)
  return {
    before: stages.filter((stage) => placeOf(stage) < place),
    after: stages.filter((stage) => placeOf(stage) >= place),
  }
}

/** In the place of `route`: straight to one destination, with the transform of the first route that names it. */
export const straightTo = ({ registry, hash, now }: WaysOptions, name: string): Stage => ({
  name: 'route',
  async process(items) {
    const snapshot = registry()
    return items.map(({ event, run }): Outcome => {
      const { tenant } = event
      const destination = snapshot.destination(tenant, name)
      const route = snapshot.routes(tenant).find(({ to }) => to.includes(name))
      const id = dispatchIdOf(hash, event, name)
      const draft = (verdict: 'dispatch' | 'drop', reason: string): Draft => ({
        verdict,
        reason,
        ...(route === undefined ? {} : { route: route.name }),
        destination: name,
        dispatchId: id,
        details: { revision: snapshot.revision },
      })
      if (destination === undefined || destination.disabled) {
        const reason = destination === undefined ? 'destination_missing' : 'destination_disabled'
        return { kind: 'drop', reason, decisions: [draft('drop', reason)] }
      }
      const dispatch: Dispatch = {
        id,
        event,
        destination: name,
        route: route?.name ?? '',
        revision: snapshot.revision,
        ...(route?.transform === undefined ? {} : { transform: route.transform }),
        key: keyOf(event, destination, id),
        run,
        attempt: 0,
        createdAt: now(),
        notBefore: 0,
      }
      return {
        kind: 'dispatch',
        dispatches: [dispatch],
        decisions: [draft('dispatch', 'replay_to')],
      }
    })
  },
})

const keyOf = (event: Event, { ordered, name }: Destination, id: string): string =>
  ordered ? `${event.tenant}/${name}/${event.key}` : id

/** In the place of `route`: the dispatches as they were decided, by event id. */
export const asDecided = (
  { now }: Pick<WaysOptions, 'now'>,
  decided: ReadonlyMap<string, readonly Dispatch[]>,
): Stage => ({
  name: 'route',
  process: async (items) => items.map((item) => outcomeOf(item, decided, now())),
})

const outcomeOf = (
  { event, run }: Item,
  decided: ReadonlyMap<string, readonly Dispatch[]>,
  now: number,
): Outcome => {
  const dispatches = (decided.get(event.id) ?? []).map((dispatch) => again(dispatch, run, now))
  const decisions = dispatches.map(
    ({ id, route, destination, revision }): Draft => ({
      verdict: 'dispatch',
      reason: 'as_decided',
      route,
      destination,
      dispatchId: id,
      details: { revision },
    }),
  )
  return { kind: 'dispatch', dispatches, decisions }
}

/** The same dispatch under another run: it begins anew, with the whole schedule before it. */
export const again = (dispatch: Dispatch, run: string, now: number): Dispatch => ({
  ...dispatch,
  run,
  attempt: 0,
  createdAt: now,
  notBefore: 0,
})
