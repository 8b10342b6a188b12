import { describe, expect, it } from 'vitest'
import { apiOf, pagesFrom } from './testing.ts'

describe('GET /v1/replays', () => {
  const replayOf = (id: string, createdAt: number) => ({
    ...{ id, createdAt, state: 'done', by: 'admin', candidates: 0, unstored: 0 },
    spec: { kind: 'dead', filter: {}, rate: 1, force: false },
    progress: {},
  })
  const replays = [replayOf('rpl_3', 2), replayOf('rpl_2', 2), replayOf('rpl_1', 1)]
  const api = apiOf({ replays: { list: async () => replays } as never })

  it('gives page after page, newest first, each replay once', async () => {
    interface Page {
      replays: { id: string }[]
      next?: string
    }
    const pages = await pagesFrom<Page>(api, '/v1/replays?limit=2')
    expect(pages.map((page) => page.replays.map(({ id }) => id))).toEqual([
      ['rpl_3', 'rpl_2'],
      ['rpl_1'],
    ])
  })

  it('refuses a cursor that no page gave', async () => {
    expect((await api.send('GET', '/v1/replays?cursor=nonsense')).status).toBe(400)
  })
})
