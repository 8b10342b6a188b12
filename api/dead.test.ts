import { describe, expect, it } from 'vitest'
import { apiOf } from './testing.ts'

const letter = (id: string, at: number) => ({
  dead: {
    ...{ id, at, tenant: 'acme', source: 'github', eventId: 'e', stage: 'deliver' },
    ...{ code: 'ZENHOOK_CONNECTOR_EXPIRED', message: 'm' },
  },
  state: 'open',
  replays: 0,
})

interface Page {
  dead: { id: string }[]
  more: boolean
  next?: string
}

describe('GET /v1/dead', () => {
  // Three of one moment: the time alone names no place.
  const letters = [letter('a', 1_000), letter('d', 3_000), letter('c', 3_000), letter('b', 3_000)]
  const api = apiOf({ replays: { letters: async () => ({ letters, more: false }) } as never })
  const get = async (path: string) => {
    const answer = await api.send('GET', path)
    return { answer, page: (await answer.json()) as Page }
  }

  it('gives page after page, newest first, each letter once', async () => {
    const seen: string[] = []
    let path = '/v1/dead?limit=2'
    for (let pages = 1; ; pages += 1) {
      const { answer, page } = await get(path)
      seen.push(...page.dead.map(({ id }) => id))
      const link = answer.headers.get('link')
      expect(page.more).toBe(page.next !== undefined)
      if (page.next === undefined) {
        expect({ pages, link }).toEqual({ pages: 2, link: null })
        break
      }
      expect(link).toBe(`</v1/dead?limit=2&cursor=${page.next}>; rel="next"`)
      path = `/v1/dead?limit=2&cursor=${page.next}`
    }
    expect(seen).toEqual(['d', 'c', 'b', 'a'])
  })

  it('refuses a cursor that no page gave', async () => {
    const { answer } = await get('/v1/dead?cursor=nonsense')
    expect(answer.status).toBe(400)
  })
})
