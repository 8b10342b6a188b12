import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { messageOf } from '../errors/index.ts'
import { queryLimits } from './guard.ts'
import { type DecisionPage, listDecisions } from './list-decisions.ts'
import type { Decisions, DecisionTable, Row } from './port.ts'
import { eventStatuses, listEvents, story } from './story.ts'
import { columns, tableNames, tableSql, valuesOf } from './tables.ts'

export interface DecisionsHarness {
  name: string
  open(): Promise<Decisions>
  /** Opens the same store again after `close`. */
  reopen(): Promise<Decisions>
  /** Makes the engine stop answering until the returned function is called; absent where it is in process. */
  outage?(): Promise<() => Promise<void>>
  destroy(): Promise<void>
}

const at = Date.UTC(2026, 0, 15, 12, 0, 0, 123)

const decision = (eventId: string, over: Row = {}): Row => ({
  tenant: 'acme',
  event_id: eventId,
  decision_id: `${eventId}-${over.stage ?? 'dedupe'}-${over.dispatch_id ?? ''}-${over.attempt ?? 0}-${over.run ?? 'live'}`,
  stage: 'dedupe',
  verdict: 'pass',
  reason: 'first',
  at,
  took_ms: 0.25,
  details_text: '{}',
  source: 'github',
  type: 'push',
  received_at: at,
  run: 'live',
  version: 1,
  ...over,
})

const event = (id: string, over: Row = {}): Row => ({
  tenant: 'acme',
  id,
  source: 'github',
  type: 'push',
  provider: 'github',
  dedupe_key: `github:${id}`,
  delivery_id: id,
  received_at: at,
  size: 12,
  content_type: 'application/json',
  scheme: 'hmac',
  topic: 'received',
  partition: 2,
  offset: 9_007_199_254_740_000,
  ...over,
})

/** What every decisions store must keep. */
export const decisionsContract = (harness: DecisionsHarness): void => {
  describe(`decisions: ${harness.name}`, () => {
    let store: Decisions
    let serial = 0
    /** A tenant of its own per case, so that no case sees another's rows. */
    let tenant = ''

    beforeAll(async () => {
      store = await harness.open()
      await store.ensureTables()
    })
    beforeEach(() => {
      serial += 1
      tenant = `tenant-${serial}`
    })
    afterAll(async () => {
      await store.close()
      await harness.destroy()
    })

    const insert = (table: DecisionTable, rows: readonly Row[]): Promise<void> =>
      store.insert(
        table,
        rows.map((row) => valuesOf(table, row)),
      )
    const count = async (table: DecisionTable): Promise<number> => {
      const rows = await store.query<{ n: number }>(
        `SELECT count() AS n FROM ${table} WHERE tenant = {tenant:String}`,
        { tenant },
      )
      return rows[0]?.n ?? -1
    }
    const failure = async (work: Promise<unknown>): Promise<unknown> =>
      work.then(
        () => undefined,
        (error: unknown) => error,
      )

    it('answers, and says its version', async () => {
      expect((await store.ping()).version).toMatch(/^\d+\.\d+/)
    })

    it('creates its tables once: again is nothing', async () => {
      await store.ensureTables()
      await insert('events', [event('kept', { tenant })])
      await store.ensureTables()
      expect(await count('events')).toBe(1)
    })

    it('has the columns that are documented, in their order', async () => {
      for (const table of tableNames) {
        const rows = await store.select<{ name: string; comment: string }>(
          `SELECT name, comment FROM system.columns WHERE database = currentDatabase() AND table = {table:String} AND default_kind != 'ALIAS' ORDER BY position`,
          { table },
        )
        expect(rows.map((row) => row.name)).toEqual(columns[table])
        for (const row of rows) expect(row.comment, row.name).not.toBe('')
        const sql = await tableSql(table)
        for (const name of columns[table]) expect(sql).toMatch(new RegExp(`^    ${name} `, 'm'))
      }
    })

    it('keeps one of each row that is inserted again, within and between inserts', async () => {
      for (const table of tableNames) {
        const rows = [0, 1, 2, 0].map((index) =>
          table === 'events'
            ? event(`e${index}`, { tenant })
            : decision(`e${index}`, { tenant, dispatch_id: 'd', attempt: 1 }),
        )
        const own = rows.map((row) =>
          Object.fromEntries(Object.entries(row).filter(([name]) => columns[table].includes(name))),
        )
        await insert(table, own)
        await insert(table, own)
        expect(await count(table)).toBe(3)
      }
    })

    it('gives back what was stored', async () => {
      const details = {
        httpStatus: 503,
        nested: { list: [1, 'two'] },
        'naïve ✓': "it's \\ \n fine",
      }
      await insert('decisions', [
        decision('e', {
          tenant,
          score: 0.75,
          model: 'm1',
          details_text: JSON.stringify(details),
          reason: "o'clock\n\t\\",
        }),
      ])
      const [row] = await store.select<{
        details: unknown
        reason: string
        score: number
        ms: number
      }>(
        'SELECT details, reason, score, took_ms, toUnixTimestamp64Milli(received_at) AS ms FROM decisions WHERE tenant = {tenant:String}',
        { tenant },
      )
      expect(row).toMatchObject({ details, reason: "o'clock\n\t\\", score: 0.75, ms: at })
    })

    it('takes absent and null values as defaults, and times of any size as milliseconds', async () => {
      for (const received of [0, 5, 1_700_000_000, 1_700_000_000_000, at])
        await insert('events', [
          { tenant, id: `t${received}`, received_at: received, delivery_id: null },
        ])
      const rows = await store.select<{ id: string; ms: number }>(
        'SELECT id, toUnixTimestamp64Milli(received_at) AS ms FROM events FINAL WHERE tenant = {tenant:String}',
        { tenant },
      )
      for (const { id, ms } of rows) expect(id).toBe(`t${ms}`)
      expect(rows).toHaveLength(5)
    })

    it('takes a large insert whole', async () => {
      const rows = Array.from({ length: 5_000 }, (_, index) =>
        decision(`bulk-${index}`, { tenant }),
      )
      await insert('decisions', rows)
      expect(await count('decisions')).toBe(5_000)
    })

    it('takes inserts and reads side by side', async () => {
      await Promise.all(
        Array.from({ length: 8 }, async (_, index) => {
          await insert('events', [event(`side-${index}`, { tenant })])
          await store.query('SELECT count() AS n FROM events')
        }),
      )
      expect(await count('events')).toBe(8)
    })

    it('takes no row for an insert of none', async () => {
      await insert('events', [])
      expect(await count('events')).toBe(0)
    })

    it('refuses a row that does not fit, with a code that is no outage', async () => {
      const error = await failure(insert('events', [event('x', { tenant, size: 'large' })]))
      expect(error).toMatchObject({ code: 'ZENHOOK_DECISIONS_QUERY_FAILED', retriable: false })
    })

    it('F78: never splices a parameter', async () => {
      const hostile = "x' OR 1=1 --\\"
      await insert('events', [event('p', { tenant, type: hostile })])
      await insert('events', [event('q', { tenant })])
      const rows = await store.query(
        'SELECT id, {text:String} AS text FROM events WHERE tenant = {tenant:String} AND type = {text:String}',
        { text: hostile, tenant },
      )
      expect(rows).toEqual([{ id: 'p', text: hostile }])
      const listed = await store.query<{ n: number }>(
        'SELECT count() AS n FROM events WHERE tenant = {tenant:String} AND type IN {types:Array(String)} AND size > {size:UInt32}',
        { tenant, types: [hostile, "it's", '\\', 'a\nb'], size: 11 },
      )
      expect(listed).toEqual([{ n: 1 }])
    })

    it('F78: takes what events and callers say as values, never as SQL', async () => {
      const hostile = "x' OR 1=1; DROP TABLE events -- {id:String}\\\n\t"
      await insert('events', [
        event(hostile, { tenant, source: hostile, type: hostile }),
        event('plain', { tenant }),
      ])
      await insert('decisions', [
        decision(hostile, { tenant, reason: hostile, details_text: JSON.stringify({ hostile }) }),
      ])
      for (const filter of [{ source: hostile }, { type: hostile }]) {
        const { events } = await listEvents(store, { tenant, ...filter })
        expect(events.map(({ id }) => id)).toEqual([hostile])
      }
      for (const filter of [{ tenant: hostile }, { tenant, source: "' OR ''='" }])
        expect((await listEvents(store, filter)).events).toEqual([])
      const { decisions } = await listDecisions(store, { tenant, event: hostile, limit: 10 })
      expect(decisions).toMatchObject([{ reason: hostile }])
      expect(await story(store, "' OR ''='")).toBeUndefined()
      expect(await story(store, hostile)).toMatchObject({
        ...{ id: hostile, type: hostile, decisions: [{ reason: hostile, details: { hostile } }] },
      })
      expect(await count('events')).toBe(2)
    })

    it('answers users in plain JSON: numbers as numbers, times as RFC 3339', async () => {
      await insert('events', [event('j', { tenant })])
      const rows = await store.query(
        'SELECT received_at, offset, count() AS n FROM events WHERE tenant = {tenant:String} GROUP BY ALL',
        { tenant },
      )
      expect(rows).toEqual([
        { received_at: '2026-01-15T12:00:00.123Z', offset: 9_007_199_254_740_000, n: 1 },
      ])
    })

    it('runs joins, subqueries, windows and CTEs for users', async () => {
      await insert('events', [event('u1', { tenant }), event('u2', { tenant })])
      await insert('decisions', [decision('u1', { tenant })])
      const rows = await store.query(
        `WITH d AS (SELECT event_id, tenant FROM decisions WHERE verdict = 'pass')
         SELECT e.id AS id, row_number() OVER (ORDER BY e.id) AS place
         FROM events e INNER JOIN d ON e.id = d.event_id AND e.tenant = d.tenant
         WHERE e.tenant = {tenant:String} AND e.id IN (SELECT event_id FROM d)
         UNION ALL SELECT 'none' AS id, 0 AS place ORDER BY id -- done`,
        { tenant },
      )
      expect(rows).toHaveLength(2)
    })

    it.each([
      "SELECT file('/etc/passwd')",
      'SELECT * FROM system.tables',
      "SELECT * FROM url('http://127.0.0.1/', 'LineAsString')",
      "SELECT 1 INTO OUTFILE '/dev/null'",
      'DROP TABLE events',
    ])('refuses users: %s', async (sql) => {
      expect(await failure(store.query(sql))).toMatchObject({
        code: 'ZENHOOK_DECISIONS_QUERY_REFUSED',
      })
    })

    it('tells users what the engine says of a wrong statement', async () => {
      const error = await failure(store.query('SELECT no_such_column FROM events'))
      expect(error).toMatchObject({ code: 'ZENHOOK_DECISIONS_QUERY_FAILED', retriable: false })
      expect(messageOf(error)).toContain('no_such_column')
    })

    it('blames rows for what is in them alone, not for a table that is gone', async () => {
      const wrong = insert('attempts', [{ tenant, attempt: 'x' }])
      expect(await failure(wrong)).toMatchObject({ code: 'ZENHOOK_DECISIONS_QUERY_FAILED' })
      await store.select('DROP TABLE attempts')
      const homeless = insert('attempts', [{ tenant, attempt: 1 }])
      expect(await failure(homeless)).toMatchObject({
        code: 'ZENHOOK_DECISIONS_UNAVAILABLE',
        retriable: true,
        details: { code: 60 },
      })
      await store.ensureTables()
      await insert('attempts', [{ tenant, attempt: 1 }])
      expect(await count('attempts')).toBe(1)
    })

    it.each([
      'SELECT a.id FROM events a, events b, decisions c',
      '(SELECT a.id FROM events a, events b, decisions c) UNION ALL (SELECT id FROM events)',
    ])('bounds the rows of a user: %s', async (sql) => {
      const rows = Array.from({ length: 300 }, (_, index) => event(`limit-${index}`, { tenant }))
      await insert('events', rows)
      await insert('decisions', [decision('l1', { tenant }), decision('l2', { tenant })])
      expect(await failure(store.query(sql))).toMatchObject({
        code: 'ZENHOOK_DECISIONS_QUERY_FAILED',
        retriable: false,
      })
    })

    it('bounds the time of a user', { timeout: 60_000 }, async () => {
      const rows = Array.from({ length: 3_000 }, (_, index) => event(`slow-${index}`, { tenant }))
      await insert('events', rows)
      const started = performance.now()
      const error = await failure(
        store.query(
          'SELECT sum(cityHash64(a.id, b.id, c.id, d.id)) FROM events a, events b, events c, events d',
        ),
      )
      expect(error).toMatchObject({ code: 'ZENHOOK_DECISIONS_QUERY_FAILED', retriable: false })
      expect(performance.now() - started).toBeLessThan((queryLimits.executionSeconds + 15) * 1_000)
    })

    it('tells the story of an event, and lists it by status', async () => {
      const id = `story-${serial}`
      const deliver = {
        stage: 'deliver',
        dispatch_id: 'dsp',
        destination: 'oncall',
        route: 'urgent',
      }
      await insert('events', [event(id, { tenant })])
      await insert('decisions', [
        decision(id, { tenant, at: at + 1 }),
        decision(id, { tenant, stage: 'score', score: 0.9, at: at + 1 }),
        decision(id, { tenant, ...deliver, stage: 'route', verdict: 'dispatch', at: at + 1 }),
        decision(id, {
          tenant,
          ...deliver,
          verdict: 'retry',
          reason: 'http_503',
          attempt: 1,
          at: at + 20,
        }),
        decision(id, { tenant, ...deliver, verdict: 'delivered', attempt: 2, at: at + 30 }),
      ])
      await insert('attempts', [
        {
          tenant,
          event_id: id,
          dispatch_id: 'dsp',
          attempt: 1,
          at: at + 20,
          outcome: 'retry',
          status: 503,
          took_ms: 5,
          error: 'busy',
          run: 'live',
          received_at: at,
        },
        {
          tenant,
          event_id: id,
          dispatch_id: 'dsp',
          attempt: 2,
          at: at + 30,
          outcome: 'delivered',
          status: 200,
          took_ms: 4,
          possible_duplicate: true,
          run: 'live',
          received_at: at,
        },
      ])
      const told = await story(store, id)
      expect(told).toMatchObject({
        id,
        tenant,
        status: 'delivered',
        receivedAt: '2026-01-15T12:00:00.123Z',
        position: { topic: 'received', partition: 2, offset: 9_007_199_254_740_000 },
        dispatches: [
          {
            destination: 'oncall',
            route: 'urgent',
            status: 'delivered',
            attempts: [
              {
                attempt: 1,
                status: 503,
                outcome: 'retry',
                error: 'busy',
                at: '2026-01-15T12:00:00.143Z',
              },
              { attempt: 2, status: 200, outcome: 'delivered', possibleDuplicate: true },
            ],
          },
        ],
      })
      expect(told?.decisions.map((made) => made.stage)).toEqual([
        'dedupe',
        'score',
        'route',
        'deliver',
        'deliver',
      ])
      expect(await story(store, 'nobody')).toBeUndefined()
      for (const status of eventStatuses) {
        const page = await listEvents(store, { tenant, status })
        expect(page.events.map((one) => one.id)).toEqual(status === 'delivered' ? [id] : [])
      }
    })

    it('shows an end that a process wrote before it was killed and the next one routed anew', async () => {
      const id = `again-${serial}`
      const route = { stage: 'route', verdict: 'dispatch', reason: 'matched' }
      const rows = (['delivered', 'dead', 'retry'] as const).flatMap((verdict, index) => {
        const about = { tenant, dispatch_id: `dsp-${index}`, destination: verdict }
        return [
          // The chain's decision has one id both times; only its time tells which came later.
          decision(id, { ...about, ...route, at: at + 5 }),
          decision(id, { ...about, stage: 'deliver', verdict, attempt: 1, at: at + 10 }),
          decision(id, { ...about, ...route, at: at + 9_000 }),
        ]
      })
      const about = { tenant, dispatch_id: 'only', destination: 'only' }
      const single = [
        decision(`${id}-1`, { ...about, stage: 'deliver', verdict: 'delivered', at: at + 10 }),
        decision(`${id}-1`, { ...about, ...route, at: at + 9_000 }),
        decision(`${id}-1`, { tenant, at: at + 8_990 }),
      ]
      await insert('events', [event(id, { tenant }), event(`${id}-1`, { tenant })])
      await insert('decisions', [...rows, ...single])
      const told = await story(store, id)
      expect(told?.dispatches.map(({ destination, status }) => [destination, status])).toEqual([
        ['delivered', 'delivered'],
        ['dead', 'dead'],
        ['retry', 'retrying'],
      ])
      expect((await story(store, `${id}-1`))?.decisions.map(({ stage }) => stage)).toEqual([
        'dedupe',
        'route',
        'deliver',
      ])
      const { events } = await listEvents(store, { tenant })
      expect(Object.fromEntries(events.map((one) => [one.id, one.status]))).toEqual({
        [id]: 'retrying',
        [`${id}-1`]: 'delivered',
      })
      expect((await story(store, `${id}-1`))?.status).toBe('delivered')
    })

    it('lists by filter, newest first, page by page, each once', async () => {
      const rows = Array.from({ length: 25 }, (_, index) =>
        event(`page-${String(index).padStart(2, '0')}`, {
          tenant,
          // Several share a millisecond.
          received_at: at + Math.floor(index / 4),
          type: index % 2 === 0 ? 'push' : 'issues',
        }),
      )
      await insert('events', rows)
      const expected = rows.map((row) => String(row.id)).reverse()
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await listEvents(store, { tenant, limit: 4, cursor })
        seen.push(...page.events.map((one) => one.id))
        cursor = page.next
      } while (cursor !== undefined)
      expect(seen).toEqual(expected)
      const some = await listEvents(store, { tenant, type: 'issues', since: at + 1, until: at + 3 })
      expect(some.events.map((one) => one.id)).toEqual(['page-11', 'page-09', 'page-07', 'page-05'])
      expect(some.events[0]?.status).toBe('accepted')
      expect(await failure(listEvents(store, { cursor: 'nonsense' }))).toMatchObject({
        code: 'ZENHOOK_DECISIONS_QUERY_REFUSED',
      })
    })

    it('lists those about which something was decided since', async () => {
      const [first, second] = [`since-${serial}-1`, `since-${serial}-2`]
      await insert('events', [event(first, { tenant }), event(second, { tenant })])
      await insert('decisions', [
        decision(first, { tenant, at: at + 1 }),
        decision(second, { tenant, at: at + 2 }),
        decision(first, { tenant, stage: 'deliver', verdict: 'dead', attempt: 1, at: at + 900 }),
      ])
      const since = async (decidedSince: number): Promise<readonly string[]> =>
        (await listEvents(store, { tenant, decidedSince })).events.map(({ id }) => id).sort()
      expect(await since(at + 1)).toEqual([first, second])
      expect(await since(at + 2)).toEqual([first, second])
      expect(await since(at + 3)).toEqual([first])
      expect(await since(at + 901)).toEqual([])
    })

    it('finds the states of as many events as one look takes', async () => {
      const ids = Array.from({ length: 1_000 }, (_, index) => {
        const tail = String(index).padStart(12, '0')
        return `0197d1a2-3b4c-7d5e-8f60-${tail}`
      })
      await insert(
        'events',
        ids.map((id) => event(id, { tenant })),
      )
      await insert(
        'decisions',
        ids.map((id, index) =>
          decision(id, { tenant, verdict: index % 2 === 0 ? 'drop' : 'pass' }),
        ),
      )
      const { events } = await listEvents(store, { tenant, status: 'dropped', limit: 1_000 })
      expect(events.map(({ id }) => id)).toEqual(
        ids.filter((_, index) => index % 2 === 0).reverse(),
      )
    })

    it('lists decisions, newest first, page by page, each once', async () => {
      const rows = Array.from({ length: 25 }, (_, index) =>
        decision(`list-${String(index).padStart(2, '0')}`, {
          tenant,
          // Several share a millisecond.
          at: at + Math.floor(index / 4),
          received_at: at + index,
          verdict: index % 2 === 0 ? 'pass' : 'drop',
        }),
      )
      await insert('decisions', rows)
      const expected = rows.map((row) => row.event_id).reverse()
      const seen: unknown[] = []
      let page: DecisionPage = { decisions: [] }
      do {
        page = await listDecisions(store, { tenant, limit: 4, cursor: page.next })
        seen.push(...page.decisions.map((one) => one.event_id))
      } while (page.next !== undefined)
      expect(seen).toEqual(expected)
      const filter = { tenant, verdict: 'drop', since: at + 5, until: at + 9, limit: 10 }
      const some = await listDecisions(store, filter)
      expect(some.decisions.map((one) => one.event_id)).toEqual(['list-07', 'list-05'])
      expect(await failure(listDecisions(store, { cursor: 'nonsense', limit: 1 }))).toMatchObject({
        code: 'ZENHOOK_DECISIONS_QUERY_REFUSED',
      })
    })

    it('tells decisions by the columns of the table: times as RFC 3339, details as JSON', async () => {
      const details = { grade: { value: 'high' }, by: [1, 'two', null] }
      const told = { score: 0.75, model: 'rules', route: 'all', destination: 'box', attempt: 2 }
      await insert('decisions', [
        decision('told', { tenant, ...told, details_text: JSON.stringify(details) }),
        decision('plain', { tenant, at: at - 123 }),
      ])
      const { decisions } = await listDecisions(store, { tenant, since: at, limit: 10 })
      const common = {
        ...{ tenant, stage: 'dedupe', verdict: 'pass', reason: 'first', took_ms: 0.25 },
        ...{ source: 'github', type: 'push', run: 'live', dispatch_id: '' },
        received_at: '2026-01-15T12:00:00.123Z',
      }
      expect(decisions).toStrictEqual([
        {
          ...{ ...common, ...told, event_id: 'told', decision_id: 'told-dedupe--2-live' },
          ...{ at: '2026-01-15T12:00:00.123Z', details },
        },
        {
          ...{ ...common, event_id: 'plain', decision_id: 'plain-dedupe--0-live', details: {} },
          ...{ score: null, model: '', route: '', destination: '', attempt: 0 },
          at: '2026-01-15T12:00:00.000Z',
        },
      ])
    })

    it('keeps what it has over a restart', { timeout: 60_000 }, async () => {
      await insert('events', [event('kept', { tenant })])
      await store.close()
      await store.close()
      expect(await failure(store.ping())).toMatchObject({ code: 'ZENHOOK_DECISIONS_UNAVAILABLE' })
      store = await harness.reopen()
      await store.ensureTables()
      expect(await count('events')).toBe(1)
    })

    it('says when the engine does not answer, and goes on when it does', {
      timeout: 90_000,
    }, async (context) => {
      if (harness.outage === undefined) return context.skip('the engine is in this process')
      const end = await harness.outage()
      try {
        const asked = [() => store.ping(), () => insert('events', [event('late', { tenant })])]
        for (const work of asked)
          expect(await failure(work())).toMatchObject({
            code: 'ZENHOOK_DECISIONS_UNAVAILABLE',
            retriable: true,
          })
      } finally {
        await end()
      }
      await insert('events', [event('late', { tenant })])
      expect(await count('events')).toBe(1)
    })
  })
}
