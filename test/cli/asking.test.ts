import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { collected, entry, eventually, json, jsonLines, playedApi } from './harness.ts'

interface Summary {
  id: string
}

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

const played = async (answer: Parameters<typeof playedApi>[0]) => {
  const api = await playedApi(answer)
  closers.push(api.close)
  return api
}

/** Refuses as the limit of requests does. */
const refuse = (response: ServerResponse, retryAfter: string): object => {
  response.statusCode = 429
  response.setHeader('retry-after', retryAfter)
  return { code: 'zenhook_api_rate_limited', detail: 'Too many requests with this token' }
}

const at = (n: number): string => new Date(Date.UTC(2026, 0, 1) - n).toISOString()
const eventOf = (n: number) => ({
  ...{ id: `e${n}`, tenant: 'a', source: 's', type: 't', status: 'dead' },
  receivedAt: at(n),
})

describe('an instance that takes no more now', () => {
  it('is asked again once it said so, whatever it was asked', async () => {
    let calls = 0
    const api = await played((_url, response) => {
      calls += 1
      return calls === 1 ? refuse(response, '1') : { events: [] }
    })
    const began = performance.now()
    expect(await api.run('events', 'list', '-o', 'json')).toEqual({ code: 0, out: '[]\n', err: '' })
    expect(performance.now() - began).toBeGreaterThan(1_000)
    expect(calls).toBe(2)
  })

  it('gets the whole burst', async () => {
    let [taken, refused] = [0, 0]
    const api = await played((_url, response) => {
      if (taken >= 40 && refused < 30) {
        refused += 1
        return refuse(response, '1')
      }
      taken += 1
      return { tenant: 'acme', source: 'hook', answers: [{ status: 202, body: { id: taken } }] }
    })
    expect(await api.run('trigger', 'github', '--burst', '100')).toEqual({
      ...{ code: 0, out: '202: 100\n', err: 'to acme/hook\n' },
    })
    expect({ taken, refused }).toEqual({ taken: 100, refused: 30 })
  })

  it('for longer than anybody waits ends the burst, and what was sent is told', async () => {
    let taken = 0
    const api = await played((_url, response) => {
      if (taken === 7) return refuse(response, '3600')
      taken += 1
      return { tenant: 'acme', source: 'hook', answers: [{ status: 202, body: {} }] }
    })
    const { code, out, err } = await api.run('trigger', 'github', '--burst', '50')
    expect({ code, out }).toEqual({ code: 1, out: '202: 7\n' })
    expect(err).toMatch(/^to acme\/hook\nerror: Too many requests.*ZENHOOK_API_RATE_LIMITED/s)
  })
})

describe('zenhook trigger', () => {
  it('answers in the form that is asked for, and says where it went', async () => {
    const answers = [{ status: 202, body: { id: 'e' } }]
    const api = await played(() => ({ tenant: 'acme', source: 'hook', answers }))
    const [table, asYaml, asJson, quiet] = await Promise.all([
      api.run('trigger', 'github'),
      api.run('trigger', 'github', '-o', 'yaml'),
      api.run('trigger', 'github', '-o', 'json'),
      api.run('trigger', 'github', '--quiet'),
    ])
    expect(table).toEqual({ code: 0, out: '202 {"id":"e"}\n', err: 'to acme/hook\n' })
    expect(parse(asYaml.out)).toEqual(answers)
    expect(jsonLines(asJson)).toEqual(answers)
    expect(quiet.err).toBe('')
  })
})

describe('zenhook events list', () => {
  it('looks on where a page holds few of what stands so, and says where it stops', async () => {
    // A page whose events all stand otherwise; one event in each of the next two.
    const api = await played(({ searchParams }) => {
      expect(searchParams.get('status')).toBe('dead')
      const page = Number(searchParams.get('cursor') ?? 0)
      const next = page < 2 ? { next: String(page + 1) } : {}
      return { events: page === 0 ? [] : [eventOf(page)], ...next }
    })
    const list = ['events', 'list', '--status', 'dead', '-o', 'json']
    const [all, one, quiet] = await Promise.all([
      api.run(...list),
      api.run(...list, '--limit', '1'),
      api.run(...list, '--limit', '1', '--quiet'),
    ])
    expect(json<Summary[]>(all).map(({ id }) => id)).toEqual(['e1', 'e2'])
    expect(all.err).toBe('')
    expect(json<Summary[]>(one).map(({ id }) => id)).toEqual(['e1'])
    expect(one.err).toMatch(
      /^only the newest 1 are shown.*--limit.*--until 2026-01-01T00:00:00.000Z/,
    )
    expect(quiet.err).toBe('')
  })
})

describe('zenhook events list, where a later page fails', () => {
  it('shows what it found and where it stopped, and fails', async () => {
    const api = await played(({ searchParams }, response) => {
      if (!searchParams.has('cursor') && searchParams.get('status') === 'dead')
        return { events: [eventOf(1)], next: '1' }
      response.statusCode = 500
      return { code: 'zenhook_api_internal', detail: 'The query took too long' }
    })
    const list = ['events', 'list', '-o', 'json', '--status']
    const [some, none] = await Promise.all([api.run(...list, 'dead'), api.run(...list, 'parked')])
    expect(some.code).toBe(1)
    expect(json<Summary[]>(some).map(({ id }) => id)).toEqual(['e1'])
    expect(some.err).toMatch(/^only the newest 1 are shown.*\nerror: The query took too long/)
    expect(none).toMatchObject({ code: 1, out: '' })
  })
})

describe('--source', () => {
  it('TENANT/SOURCE is both, wherever it is taken', async () => {
    const asked: (string | null)[][] = []
    const api = await played(({ pathname, searchParams }) => {
      asked.push([pathname, searchParams.get('tenant'), searchParams.get('source')])
      return { events: [], dead: [], kind: 'error', code: '', message: 'that was all' }
    })
    await Promise.all([
      api.run('events', 'list', '--source', 'acme/hook'),
      api.run('audit', '--source', 'acme/hook'),
      api.run('dead', 'list', '--source', 'acme/hook'),
    ])
    expect(asked.sort()).toEqual(
      ['/v1/audit', '/v1/dead', '/v1/events'].map((path) => [path, 'acme', 'hook']),
    )
  })
})

describe('zenhook dead list', () => {
  it('says what it does not show', async () => {
    const api = await played(({ pathname, searchParams }) => {
      const next = searchParams.get('limit') === '1' ? { next: 'c' } : {}
      return pathname.endsWith('causes')
        ? { causes: [], more: true }
        : { dead: [{ id: 'd', at: at(1) }], more: true, ...next }
    })
    const [some, page, causes, quiet] = await Promise.all([
      api.run('dead', 'list'),
      api.run('dead', 'list', '--limit', '1'),
      api.run('dead', 'list', '--by', 'cause'),
      api.run('dead', 'list', '--quiet'),
    ])
    for (const { err } of [some, causes]) expect(err).toMatch(/^older letters .* not looked at/)
    expect(page.err).toMatch(/^only the newest 1 are shown.*--until 2026-01-01T00:00:00.000Z/)
    expect(quiet.err).toBe('')
  })
})

describe('zenhook replay list', () => {
  it('goes through all pages', async () => {
    const replayOf = (id: string) => ({ id, kind: 'dead', progress: {} })
    const api = await played(({ searchParams }) =>
      searchParams.get('cursor') === 'c'
        ? { replays: [replayOf('second')] }
        : { replays: [replayOf('first')], next: 'c' },
    )
    const listed = await api.run('replay', 'list', '-o', 'json')
    expect(json<Summary[]>(listed).map(({ id }) => id)).toEqual(['first', 'second'])
  })
})

const tailing = (...args: readonly string[]) => {
  const child = spawn(process.execPath, [entry, 'events', 'tail', '-o', 'json', ...args], {
    env: { PATH: process.env.PATH ?? '', ZENHOOK_TOKEN: 'token' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const texts = collected(child)
  const gone = once(child, 'close')
  return {
    texts,
    end: async (): Promise<void> => {
      child.kill('SIGINT')
      await gone
    },
  }
}

describe('zenhook events tail', () => {
  it('leaves nothing out and shows nothing twice, however much comes at once', async () => {
    const began = Date.now()
    const since = new Date(began).toISOString()
    const eventAt = (n: number) => ({
      ...{ id: `e${n}`, tenant: 'a', source: 's', type: 't', status: 'delivered' },
      receivedAt: new Date(began + n / 20).toISOString(),
    })
    const events = Array.from({ length: 52_000 }, (_, n) => eventAt(n))
    let looks = 0
    const { url, close } = await playedApi(({ searchParams }) => {
      const since = searchParams.get('since') ?? ''
      const end = Number(searchParams.get('cursor') ?? events.length)
      if (!searchParams.has('cursor')) looks += 1
      const start = Math.max(0, end - Number(searchParams.get('limit')))
      const page = events.slice(start, end).filter(({ receivedAt }) => receivedAt >= since)
      const next = start > 0 ? { next: String(start) } : {}
      return { events: page.reverse(), ...next }
    })
    const { texts, end } = tailing('--since', since, '--url', url)
    try {
      await eventually(() => looks >= 3 || undefined, 'the third look')
      events.push(eventAt(events.length))
      await eventually(() => texts.out.includes('"e52000"') || undefined, 'one more event')
      const ids = jsonLines<Summary>({ code: 0, ...texts }).map(({ id }) => id)
      expect(ids.length).toBe(52_001)
      expect(ids).toEqual(events.map(({ id }) => id))
    } finally {
      await end()
      await close()
    }
  })

  it('shows once what comes to a status, however long ago it was received', async () => {
    const began = Date.now()
    const hour = 3_600_000
    const decided = new Map([['old', began - hour]])
    let looks = 0
    const { url, close } = await playedApi(({ searchParams }) => {
      looks += 1
      const since = Date.parse(searchParams.get('decidedSince') ?? '')
      const found = [...decided].filter(([, at]) => at >= since).map(([id]) => id)
      const receivedAt = new Date(began - hour).toISOString()
      const about = { tenant: 'a', source: 's', type: 't', status: 'dead', receivedAt }
      for (const [name, value] of Object.entries({ status: 'dead', tenant: 'a', source: 's' }))
        expect(searchParams.get(name)).toBe(value)
      expect(searchParams.get('since')).toBeNull()
      return { events: found.map((id) => ({ id, ...about })) }
    })
    const { texts, end } = tailing('--status', 'dead', '--source', 'a/s', '--url', url)
    const ids = (): string[] => jsonLines<Summary>({ code: 0, ...texts }).map(({ id }) => id)
    try {
      await eventually(() => looks >= 2 || undefined, 'the second look')
      expect(ids()).toEqual([])
      decided.set('late', Date.now())
      await eventually(() => ids().length > 0 || undefined, 'what died now')
      const seen = looks
      await eventually(() => looks >= seen + 3 || undefined, 'three more looks')
      expect(ids()).toEqual(['late'])
    } finally {
      await end()
      await close()
    }
  })
})
