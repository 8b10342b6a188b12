import type { Event } from '../../core/event/index.ts'
import type { Route } from '../../core/registry/types.ts'
import { type ConditionCache, inputOf } from './conditions.ts'

/** Where an event goes, and why not elsewhere. */
export interface Choice {
  /** One per destination, in the order of the routes. */
  targets: readonly Target[]
  /** Every route that did not apply. */
  unmatched: readonly Unmatched[]
  /** Conditions that could not be evaluated; the other routes went on. */
  errors: readonly { route: string; error: string }[]
  /** The route that said `stop`, if one did. */
  stoppedBy?: string
}

export interface Target {
  destination: string
  /** The first route to this destination: its transform applies. */
  route: Route
  byDefault: boolean
  /** Later routes to the same destination. */
  alsoBy: readonly string[]
}

export interface Unmatched {
  route: string
  because: 'false' | 'error' | 'stopped' | 'default' | 'empty'
  /** The condition, or what went wrong with it. */
  detail: string
}

/** How much of a condition or an error a decision repeats. */
const excerpt = (text: string): string => (text.length > 300 ? `${text.slice(0, 299)}…` : text)

export const chooseRoutes = (
  event: Event,
  routes: readonly Route[],
  conditions: ConditionCache,
): Choice => {
  const targets = new Map<string, Target & { alsoBy: string[] }>()
  const unmatched: Unmatched[] = []
  const errors: { route: string; error: string }[] = []
  const input = inputOf(event)
  let stoppedBy: string | undefined

  const applies = (route: Route): boolean => {
    const { matched, error } = conditions.evaluate(route.when, input)
    if (error !== undefined) {
      errors.push({ route: route.name, error: excerpt(error) })
      unmatched.push({ route: route.name, because: 'error', detail: excerpt(error) })
      return false
    }
    if (!matched)
      unmatched.push({ route: route.name, because: 'false', detail: excerpt(route.when) })
    return matched
  }
  const walk = (some: readonly Route[], byDefault: boolean): void => {
    for (const route of some) {
      if (stoppedBy !== undefined) {
        unmatched.push({ route: route.name, because: 'stopped', detail: stoppedBy })
        continue
      }
      if (!applies(route)) continue
      if (route.to.length === 0)
        unmatched.push({ route: route.name, because: 'empty', detail: 'it names no destination' })
      for (const destination of route.to) {
        const known = targets.get(destination)
        if (known === undefined)
          targets.set(destination, { destination, route, byDefault, alsoBy: [] })
        else if (known.route !== route) known.alsoBy.push(route.name)
      }
      if (route.stop) stoppedBy = route.name
    }
  }

  walk(
    routes.filter((route) => !route.default),
    false,
  )
  const defaults = routes.filter((route) => route.default)
  if (targets.size === 0 && stoppedBy === undefined) walk(defaults, true)
  else
    for (const { name } of defaults)
      unmatched.push({ route: name, because: 'default', detail: 'another route matched' })
  return {
    targets: [...targets.values()],
    unmatched,
    errors,
    ...(stoppedBy !== undefined && { stoppedBy }),
  }
}
