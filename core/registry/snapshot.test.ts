import { describe, expect, test } from 'vitest'
import { destinationObject, routeObject, sourceObject } from './contract.ts'
import { objectsOf, revisionOf, snapshotOf } from './snapshot.ts'

describe('snapshots', () => {
  const objects = [
    sourceObject('github'),
    sourceObject('github', { tenant: 'other', provider: 'gitlab' }),
    destinationObject('hook'),
    routeObject('second', { index: 1 }),
    routeObject('first'),
  ]

  test('find by tenant and name, and keep routes in order', () => {
    const snapshot = snapshotOf(objects, 7)
    expect(snapshot.publishedAt).toBe(7)
    expect(snapshot.tenants()).toEqual(['acme', 'other'])
    expect(snapshot.source('other', 'github')?.provider).toBe('gitlab')
    expect(snapshot.source('acme', 'hook')).toBeUndefined()
    expect(snapshot.destination('acme', 'hook')?.name).toBe('hook')
    expect(snapshot.routes('acme').map(({ name }) => name)).toEqual(['first', 'second'])
    expect(snapshot.routes('nobody')).toEqual([])
  })

  test('have a revision that names the content, not its order', () => {
    const { revision } = snapshotOf(objects, 1)
    expect(snapshotOf([...objects].reverse(), 2).revision).toBe(revision)
    const [first] = objects
    const spec = Object.fromEntries(Object.entries(first?.spec ?? {}).reverse())
    expect(revisionOf([{ kind: 'source', spec } as never, ...objects.slice(1)])).toBe(revision)
    expect(snapshotOf(objects.slice(1), 1).revision).not.toBe(revision)
    expect(revisionOf(objectsOf(snapshotOf(objects, 1)))).toBe(revision)
  })

  test('cannot be changed', () => {
    const snapshot = snapshotOf([sourceObject('a', { dedupe: { windowMs: 1 } })], 1)
    const source = snapshot.source('acme', 'a')
    expect(() => Object.assign(source?.dedupe ?? {}, { windowMs: 2 })).toThrow(TypeError)
    expect(() => Object.assign(snapshot, { revision: 'x' })).toThrow(TypeError)
  })
})
