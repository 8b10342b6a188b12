import { describe, expect, it } from 'vitest'
import { apiOf, bin } from './testing.ts'

interface Page {
  objects: { tenant: string; name: string }[]
  next?: string
}

const objects = ['a', 'b', 'c'].flatMap((tenant) =>
  ['x', 'y', 'z'].map((name) => bin(tenant, name)),
)
// Their order in the registry plays no part.
const { send } = apiOf({ objects: objects.toReversed() })

const walk = async (start: string): Promise<string[][]> => {
  const pages: string[][] = []
  let path: string | undefined = start
  while (path !== undefined) {
    const response = await send('GET', path)
    expect(response.status).toBe(200)
    const page = (await response.json()) as Page
    pages.push(page.objects.map(({ tenant, name }) => `${tenant}/${name}`))
    const [, link] = /^<(.*)>; rel="next"$/.exec(response.headers.get('link') ?? '') ?? []
    expect(link === undefined).toBe(page.next === undefined)
    path = link
  }
  return pages
}

describe('collections of the registry', () => {
  it('are paged by tenant and name, each object once', async () => {
    expect(await walk('/v1/registry/destination?limit=4')).toEqual([
      ['a/x', 'a/y', 'a/z', 'b/x'],
      ['b/y', 'b/z', 'c/x', 'c/y'],
      ['c/z'],
    ])
    expect(await walk('/v1/registry/destination/b?limit=3')).toEqual([['b/x', 'b/y', 'b/z']])
    expect(await walk('/v1/registry/destination/b?limit=2')).toEqual([['b/x', 'b/y'], ['b/z']])
    expect(await walk('/v1/registry/destination/nobody')).toEqual([[]])
    expect(await walk('/v1/registry/source')).toEqual([[]])
  })

  it('have an ETag per page, of its content', async () => {
    const path = '/v1/registry/destination/a'
    const first = await send('GET', path)
    const etag = first.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[\w-]{43}"$/)
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const unchanged = await send('GET', path, { headers: { 'if-none-match': known } })
      expect([unchanged.status, await unchanged.text()]).toEqual([304, ''])
      expect(unchanged.headers.get('etag')).toBe(etag)
    }
    const other = await send('GET', path, { headers: { 'if-none-match': '"other"' } })
    expect(other.status).toBe(200)
    const changed = apiOf({ objects: objects.slice(1) })
    expect((await changed.send('GET', path)).headers.get('etag')).not.toBe(etag)
  })

  it('refuse what is no kind, no tenant, no cursor', async () => {
    for (const [path, pointer] of [
      ['/v1/registry/thing', '#/kind'],
      ['/v1/registry/source/UPPER', '#/tenant'],
      ['/v1/registry/source?limit=0', '#/limit'],
      ['/v1/registry/source?cursor=broken', '#/cursor'],
    ] as const) {
      const response = await send('GET', path)
      expect({ path, status: response.status }).toEqual({ path, status: 400 })
      const { errors } = (await response.json()) as { errors: { pointer: string }[] }
      expect(errors.map((each) => each.pointer)).toEqual([pointer])
    }
  })
})
