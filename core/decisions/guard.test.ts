import { describe, expect, it } from 'vitest'
import { allowedFunctions } from './guard/functions.ts'
import { guarded } from './guard.ts'

const refused = (sql: string): void => {
  expect(() => guarded(sql), sql).toThrow(
    expect.objectContaining({ code: 'ZENHOOK_DECISIONS_QUERY_REFUSED' }),
  )
}

const passes = [
  'SELECT 1',
  'select * from events',
  'SELECT * FROM events FINAL LIMIT 10;',
  "SELECT count() c FROM decisions WHERE verdict = 'drop' AND reason IN ('duplicate', \"x\") GROUP BY stage",
  'SELECT stage, count(*) AS n, quantile(0.9)(took_ms) FROM decisions GROUP BY stage WITH TOTALS HAVING n > 1 ORDER BY n DESC NULLS LAST, stage LIMIT 5, 10',
  'SELECT offset, partition FROM events ORDER BY offset LIMIT 3 OFFSET 2',
  'WITH d AS (SELECT event_id FROM decisions), 5 AS five SELECT * FROM events e INNER JOIN d ON e.id = d.event_id WHERE size > five',
  "SELECT * FROM events WHERE id IN (SELECT event_id FROM decisions WHERE verdict = 'dead')",
  'WITH d AS (SELECT event_id FROM decisions) SELECT * FROM events WHERE id IN d AND id NOT IN (d)',
  'SELECT 1 UNION ALL (SELECT 2 UNION DISTINCT SELECT 3)',
  "SELECT CASE WHEN attempt > 1 THEN 'again' ELSE 'first' END, CAST(attempt AS String), attempt::Float64 FROM attempts",
  'SELECT arrayMap(x -> x + 1, [1, 2]), arrayMap((x, y) -> x * y, [1], [2]), tuple(1, 2).1',
  'SELECT details.httpStatus, toStartOfMinute(at) AS minute FROM decisions WHERE at >= now() - INTERVAL 1 HOUR AND score BETWEEN 0.5 AND 1 - 0.1 AND reason IS NOT NULL',
  "SELECT /* why */ 'it''s -- not a comment' -- tail\nFROM events # more\n",
  'SELECT row_number() OVER (PARTITION BY tenant ORDER BY at DESC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM decisions',
  'SELECT * EXCEPT (details) FROM decisions WHERE tenant = {tenant:String} AND attempt IN {list:Array(UInt32)}',
  'SELECT tenant, uniqExactIf(id, size > 10) FROM `events` GROUP BY ALL',
  'SELECT a.id FROM events a LEFT ANY JOIN attempts AS b ON a.id = b.event_id, decisions',
  'SELECT id FROM events WHERE EXISTS (SELECT 1 FROM decisions)',
  'SELECT if(1 > 0, -1, +1) ? 1 : 2',
]

const attacks = [
  '',
  ';',
  '-- nothing',
  'INSERT INTO events SELECT 1',
  'DROP TABLE events',
  'SELECT 1; DROP TABLE events',
  'SELECT 1; SELECT 2',
  'EXPLAIN SELECT 1',
  'SHOW TABLES',
  'SYSTEM SHUTDOWN',
  "SELECT file('/etc/passwd')",
  "SELECT FILE('/etc/passwd')",
  "SELECT fi/**/le('/etc/passwd')",
  "SELECT file /* x */ ('/etc/passwd')",
  "SELECT `file`('/etc/passwd')",
  'SELECT "file"(\'/etc/passwd\')',
  "SELECT * FROM file('/etc/passwd', 'LineAsString')",
  "SELECT * FROM `file`('/etc/passwd')",
  "SELECT * FROM url('http://169.254.169.254/', 'LineAsString', 's String')",
  "SELECT * FROM remote('127.0.0.1', system.tables)",
  "SELECT * FROM s3('https://x/y.csv')",
  "SELECT * FROM executable('sh', 'TSV', 's String')",
  "SELECT * FROM mysql('h:3306', 'd', 't', 'u', 'p')",
  'SELECT * FROM numbers',
  'SELECT * FROM numbers(10)',
  'SELECT * FROM numbers (10)',
  'SELECT * FROM system.tables',
  'SELECT * FROM `system`.`tables`',
  'SELECT * FROM "system.tables"',
  'SELECT * FROM information_schema.tables',
  'SELECT * FROM other.events',
  'SELECT * FROM events.events',
  "SELECT * FROM merge('.*', '.*')",
  "SELECT * FROM values('a String', ('x'))",
  "SELECT * FROM VALUES('a String', ('x'))",
  'SELECT * FROM (SELECT * FROM system.users)',
  'SELECT * FROM events WHERE id IN (SELECT name FROM system.tables)',
  'SELECT 1 IN system.tables',
  'SELECT 1 IN secret',
  'SELECT 1 IN (secret)',
  'SELECT 1 IN ((secret))',
  'SELECT 1 IN (secret AS s)',
  'SELECT 1 NOT IN secret',
  'SELECT 1 GLOBAL IN secret',
  'SELECT in(1, secret)',
  "SELECT 1 IN file('/etc/passwd')",
  "SELECT dictGet('d', 'a', 1)",
  "SELECT dictGetOrDefault('d', 'a', 1, 2)",
  "SELECT joinGet('j', 'a', 1)",
  'SELECT * FROM dictionary(d)',
  'SELECT sleep(3)',
  'SELECT sleepEachRow(1) FROM events',
  'SELECT hostName()',
  'SELECT currentUser()',
  "SELECT getSetting('max_threads')",
  "SELECT getMacro('x')",
  "SELECT arrayReduce('sum', [1])",
  "SELECT catboostEvaluate('/m', 1)",
  'SELECT filesystemAvailable()',
  'SELECT addressToLine(1)',
  'SELECT throwIf(1)',
  "SELECT * FROM events INTO OUTFILE '/tmp/x'",
  "SELECT * FROM events INTO OUTFILE '/tmp/x' FORMAT CSV",
  "SELECT * FROM events INTO/**/OUTFILE '/tmp/x'",
  'SELECT * FROM events FORMAT CSV',
  'SELECT * FROM events FORMAT Null',
  'SELECT * FROM events SETTINGS readonly = 0',
  'SELECT * FROM (SELECT 1 SETTINGS max_execution_time = 0)',
  'SELECT * FROM events LIMIT 1 SETTINGS max_memory_usage = 0',
  "WITH file AS (SELECT 1) SELECT * FROM file('/etc/passwd')",
  "WITH file AS (SELECT 1) SELECT file('/etc/passwd')",
  'WITH system AS (SELECT 1) SELECT * FROM system.tables',
  'WITH x -> hostName() AS f SELECT f(1)',
  "WITH (x -> file(x)) AS f SELECT f('/etc/passwd')",
  "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
  'WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT * FROM t) SELECT * FROM t',
  'WITH a AS (SELECT * FROM a) SELECT * FROM a',
  'SELECT * FROM (WITH inner_one AS (SELECT 1) SELECT 2), inner_one',
  'SELECT (WITH c AS (SELECT 1) SELECT 1), (SELECT * FROM c)',
  'SELECT * APPLY(hostName) FROM events',
  'SELECT * APPLY hostName FROM events',
  'SELECT * REPLACE(hostName() AS id) FROM events',
  "SELECT COLUMNS('.*') APPLY(file) FROM events",
  "SELECT columns('x') FROM events",
  'SELECT * FROM {t:Identifier}',
  'SELECT {t:Identifier} FROM events',
  'SELECT {t:Array(Identifier)} FROM events',
  'SELECT $tag$ x $tag$',
  'SELECT ‘x’',
  'SELECT\u00a01',
  'SELECT 1\u2028FROM system.tables',
  'SELECT 1 \u0000',
  'SELECT fіle(1)',
  "SELECT 'unterminated",
  'SELECT `unterminated',
  'SELECT /* unterminated',
  "SELECT '\\' , file('/etc/passwd') , '",
  'SELECT @@version',
  'SELECT 1 AS',
  'SELECT (((',
  `SELECT ${'('.repeat(5_000)}1${')'.repeat(5_000)}`,
  `SELECT ${'-'.repeat(0)}${'[1]'.repeat(20_000)}`,
  "SELECT CAST(1 AS Object('json'))",
  'SELECT 1::AggregateFunction(sum, UInt8)',
  "SELECT * FROM events ARRAY JOIN file('/x') AS y",
  'SELECT * FROM events SAMPLE 0.1',
  'SELECT count() FROM events GROUP BY id WINDOW w AS (PARTITION BY id)',
  'SELECT 1 PARALLEL WITH SELECT 2',
  'FROM events SELECT id',
  'DESCRIBE (SELECT 1)',
  '(DROP TABLE events)',
  "SELECT * FROM viewExplain('', '', (SELECT 1))",
  'SELECT * FROM view(SELECT * FROM system.tables)',
  "SELECT * FROM input('a String')",
  'SELECT * FROM generateRandom()',
  'SELECT * FROM cluster(default, system.one)',
  'SELECT * FROM azureBlobStorage()',
  "SELECT * FROM sqlite('/x', 't')",
  "SELECT * FROM python('x')",
]

describe('guard', () => {
  it.each(passes)('lets pass: %s', (sql) => {
    expect(guarded(sql)).toMatch(/^(?:SELECT|select|WITH) .* SETTINGS final = 1/s)
  })

  it.each(attacks)('refuses: %s', (sql) => {
    refused(sql)
  })

  it('writes the statement anew: no comment, no trailing text, one line', () => {
    const text = guarded("SELECT /* a */ 'x\\'y' AS `n` -- tail\n, 1.5, {p:String} FROM events ;;")
    expect(text).toMatch(/^SELECT 'x\\'y' AS `n` , 1\.5 , \{p:String\} FROM events SETTINGS /)
  })

  it('passes its own output without the settings, unchanged', () => {
    for (const sql of passes) {
      const [once = ''] = guarded(sql).split(' SETTINGS final')
      const [twice] = guarded(once).split(' SETTINGS final')
      expect(twice).toBe(once)
    }
  })

  it('allows no function that reaches outside', () => {
    const outside =
      /^(file|url|remote|s3|dict|joinget|hostname|getsetting|sleep|input|executable|arrayreduce|initialize|catboost|user|currentdatabase|version|shard|tcpport|filesystem|rands?$|generate|throw)/
    expect([...allowedFunctions].filter((name) => outside.test(name))).toEqual([])
  })
})
