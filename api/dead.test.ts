import { describe, expect, it } from 'vitest'
import { apiOf, pagesFrom } from './testing.ts'

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

  it('gives page after page, newest first, each letter once', async () => {
    const pages = await pagesFrom<Page>(api, '/v1/dead?limit=2')
    expect(pages.map(({ dead }) => dead.map(({ id }) => id))).toEqual([
      ['d', 'c'],
      ['b', 'a'],
    ])
    expect(pages.map(({ more }) => more)).toEqual([true, false])
  })

  it('refuses a cursor that no page gave', async () => {
    expect((await api.send('GET', '/v1/dead?cursor=nonsense')).status).toBe(400)
  })
})
