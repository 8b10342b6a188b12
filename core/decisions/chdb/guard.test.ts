import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allowedFunctions } from '../guard/functions.ts'
import { guarded } from '../guard.ts'
import type { Decisions } from '../port.ts'
import { valuesOf } from '../tables.ts'
import { createChdbDecisions } from './index.ts'

/** What the parser calls operators and keywords. */
const syntax = new Set(
  'lambda in notIn cast tuple array exists isNull isNotNull not and or caseWithExpression'
    .toLowerCase()
    .split(' '),
)

const mark = 'MARK-OF-WHAT-NOBODY-MAY-READ'

/** Pieces that statements are mended with, the forbidden ones among them. */
const piecesOf = (file: string): readonly string[] => [
  ...`SELECT FROM events decisions attempts system.tables secret secret.text ( ) , * WHERE IN NOT AND id e x 1 [ ]
  AS WITH -> count() file lower(id) JOIN ON LEFT USING FINAL . ::String THEN ELSE END numbers(1) numbers APPLY
  EXCEPT REPLACE COLUMNS BETWEEN OVER FORMAT CSV SETTINGS PREWHERE HAVING QUALIFY WINDOW SAMPLE DISTINCT ALL ANY
  GLOBAL \`secret\` "secret" \`file\` - + ? : a.b e.* arrayMap( LIKE /**/ NULL CAST( tuple( .1 ;`
    .split(/\s+/)
    .filter((piece) => piece !== ''),
  `file('${file}')`,
  `file('${file}','LineAsString')`,
  'x AS (',
  'IN secret',
  'IN (secret)',
  'FROM secret',
  ', secret',
  'JOIN secret ON 1',
  'UNION ALL SELECT * FROM secret',
  '(SELECT * FROM secret)',
  'INTO OUTFILE',
  'GROUP BY',
  'ORDER BY',
  'LIMIT 1',
  '--\n',
  "'s'",
]

const honest = [
  'SELECT id FROM events',
  'SELECT count() FROM decisions WHERE event_id IN (SELECT event_id FROM attempts)',
  'WITH x AS (SELECT id FROM events) SELECT * FROM x WHERE id IN x',
  'SELECT arrayMap(x -> x + 1, [1]) AS y, CASE WHEN 1 THEN 2 END FROM events e LEFT JOIN decisions d ON e.id = d.event_id',
  'SELECT * EXCEPT (id) FROM events UNION ALL SELECT * EXCEPT (id) FROM events',
  'SELECT id, row_number() OVER (PARTITION BY id ORDER BY id) FROM events LIMIT 1 BY id',
].map((sql) => sql.split(/\s+|(?<=[(),[\]])|(?=[(),[\]])/).filter((token) => token !== ''))

/** Repeatable, so that what fails once fails again. */
const createDice = (seed: number) => {
  let state = seed
  return <T>(values: readonly T[]): T => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return values[(state >>> 8) % values.length] as T
  }
}

describe('guard, held against the engine itself', () => {
  let parent = ''
  let store: Decisions
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'zenhook-guard-'))
    await writeFile(join(parent, 'secret.txt'), `${mark}\n`)
    store = await createChdbDecisions({ folder: join(parent, 'store') })
    await store.ensureTables()
    await store.select('CREATE TABLE secret (text String) ENGINE = MergeTree ORDER BY text')
    await store.select(`INSERT INTO secret VALUES ('${mark}')`)
    await store.insert('events', [
      valuesOf('events', { tenant: 't', id: 'e', received_at: 1_770_000_000_000 }),
    ])
  })
  afterAll(async () => {
    await store.close()
    await rm(parent, { recursive: true, force: true })
  })

  it('would see the mark if it got through', async () => {
    const file = join(parent, 'secret.txt')
    for (const sql of ['SELECT * FROM secret', `SELECT file('${file}') AS text`]) {
      expect(JSON.stringify(await store.select(sql))).toContain(mark)
      await expect(store.query(sql)).rejects.toMatchObject({
        code: 'ZENHOOK_DECISIONS_QUERY_REFUSED',
      })
    }
  })

  it('lets no mended statement reach outside', { timeout: 120_000 }, async () => {
    const dice = createDice(20_261_124)
    const pieces = piecesOf(join(parent, 'secret.txt'))
    let passed = 0
    for (let round = 0; round < 12_000; round += 1) {
      const tokens = [...dice(honest)]
      for (let times = dice([1, 2, 3]); times > 0; times -= 1) {
        const place = dice([...tokens.keys()])
        tokens.splice(place, dice([0, 0, 1, 2]), dice(pieces), ...dice([[], [dice(pieces)]]))
      }
      const sql = tokens.join(' ')
      let text: string
      try {
        text = guarded(sql)
      } catch {
        continue
      }
      passed += 1
      const outcome = await store.query(sql).then(JSON.stringify, String)
      expect(outcome, sql).not.toContain(mark)
      const [statement = ''] = text.split(' SETTINGS final')
      const tree = await store
        .select<{ explain: string }>(`EXPLAIN AST ${statement}`)
        .catch(() => [])
      for (const { explain } of tree) {
        const [kind, name = ''] = explain.trim().split(' ')
        expect(kind, sql).not.toMatch(/TableFunction|Outfile|^Set$|Apply|Replace/)
        if (kind === 'TableIdentifier')
          expect(['events', 'decisions', 'attempts', 'x'], sql).toContain(name)
        const called = name.toLowerCase().replace(/^arraymapdistinct$/, 'arraymap')
        if (kind === 'Function')
          expect(allowedFunctions.has(called) || syntax.has(called), `${name} in ${sql}`).toBe(true)
      }
    }
    // Else the mending is too wild to say anything.
    expect(passed).toBeGreaterThan(100)
  })
})
