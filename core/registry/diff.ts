import type { AnyObject, Difference } from './port.ts'
import { canonicalJson, textOf } from './snapshot.ts'

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const fieldsOf = (before: unknown, after: unknown, path: string): readonly string[] => {
  if (canonicalJson({ before }) === canonicalJson({ before: after })) return []
  if (!isRecord(before) || !isRecord(after)) return [path]
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names]
    .sort()
    .flatMap((name) => fieldsOf(before[name], after[name], path === '' ? name : `${path}.${name}`))
}

/** What differs between two sets of objects, sorted by key; lists are compared whole. */
export const differences = (
  before: ReadonlyMap<string, AnyObject>,
  after: ReadonlyMap<string, AnyObject>,
): readonly Difference[] => {
  const found: Difference[] = []
  for (const key of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const old = before.get(key)
    const present = after.get(key)
    if (old !== undefined && present !== undefined && textOf(old) === textOf(present)) continue
    const { kind, spec } = present ?? old ?? {}
    if (kind === undefined || spec === undefined) continue
    const { tenant, name } = spec
    const action = old === undefined ? 'create' : present === undefined ? 'delete' : 'update'
    const fields = action === 'update' ? fieldsOf(old?.spec, present?.spec, '') : []
    if (action !== 'update' || fields.length > 0) found.push({ kind, tenant, name, action, fields })
  }
  return found
}
