import { compileCondition } from '../../expression/condition.ts'
import { compileTransform } from '../../expression/transform.ts'
import type { AnyObject } from '../port.ts'
import { buildRoute } from './build.ts'
import { badType, type Checking, checkText, isMap, unknownName } from './checking.ts'
import type { DataPath } from './document.ts'
import { schemaFaults } from './issues.ts'
import { routeFile } from './schema.ts'

export const checkRoutes = (
  checking: Checking,
  path: DataPath,
  tenant: string,
  value: unknown,
  destinations: readonly string[],
): readonly AnyObject[] => {
  const { located, fault, warn } = checking
  if (!Array.isArray(value)) {
    badType(checking, path, 'a list of routes')
    return []
  }
  const names = new Set<string>()
  const used = new Set<string>()
  let ended = false
  const routes = value.flatMap((route: unknown, index): AnyObject[] => {
    const at = [...path, index]
    for (const each of schemaFaults(located, at, routeFile)) fault(each)
    if (!isMap(route)) return []
    const { name, when, to } = route
    if (typeof name === 'string' && names.has(name)) {
      const message = `there is another route '${name}' before`
      const offset = located.valueAt([...at, 'name'])
      fault({ offset, code: 'ZENHOOK_CONFIG_DUPLICATE_KEY', message })
    }
    names.add(String(name))
    if (when === undefined && route.default !== true) {
      const message = '\'when\' is missing; write when: "true" for every event'
      fault({ offset: located.valueAt(at), code: 'ZENHOOK_CONFIG_MISSING_KEY', message })
    }
    for (const [place, destination] of Array.isArray(to) ? to.entries() : []) {
      used.add(String(destination))
      if (typeof destination !== 'string' || destinations.includes(destination)) continue
      const here = [...at, 'to', place]
      unknownName(checking, here, 'ZENHOOK_CONFIG_UNKNOWN_DESTINATION', 'destination', destinations)
    }
    checkText(checking, [...at, 'when'], 'ZENHOOK_CONFIG_BAD_CONDITION', compileCondition)
    checkText(checking, [...at, 'transform'], 'ZENHOOK_CONFIG_BAD_TRANSFORM', (text) =>
      compileTransform(text),
    )
    if (ended && route.default !== true) {
      const message = `no event gets to route '${String(name)}'`
      const offset = located.valueAt([...at, 'name'])
      warn({ offset, code: 'ZENHOOK_CONFIG_UNREACHABLE_ROUTE', message })
    }
    ended ||= route.stop === true && route.default !== true && String(when).trim() === 'true'
    const parsed = routeFile.safeParse(route)
    return parsed.success ? [{ kind: 'route', spec: buildRoute(tenant, index, parsed.data) }] : []
  })
  for (const name of destinations) {
    if (used.has(name)) continue
    const offset = located.keyAt([...path.slice(0, -1), 'destinations', name])
    const message = `no route goes to destination '${name}'`
    warn({ offset, code: 'ZENHOOK_CONFIG_UNUSED_DESTINATION', message })
  }
  return routes
}
