/**
 * `npm run test:faults`: every row of the matrix in scope, on real servers of its own, and the cases of the
 * suites that are named by a row; a table at the end. Exits with 1 when a row is broken or missing.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { filesWithCases, gatherCases, gatherRig, readRecords } from './gather.ts'
import { joinRuns } from './journal.ts'
import { endLeftovers } from './leftovers.ts'
import { conditionsOf, pageOf, summaryOf } from './page.ts'
import { belongs, type Length, lengths, rowsIn } from './plan.ts'
import { judgeRows, tableOf } from './table.ts'

const help = `npm run test:faults -- [options]

  --length ci|full|soak  how long every row takes (default ci)
  --rows F01,F05-F08     only these rows
  --share 0.4            of the loads of the longer lengths, for a machine that does not hold all of it (default 1)
  --table FILE           writes the table as Markdown
  --journal FILE         adds what this run shows on the rig to what earlier runs showed: a long run in parts
  --report FILE          writes counts of rows as JSON
  --cases FILE           takes the cases of the suites from a report of vitest instead of running them; may repeat
`

const root = fileURLToPath(new URL('../..', import.meta.url))

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')

interface Wanted {
  length: Length
  rows: ReadonlySet<string> | undefined
  /** Of the loads. */
  share: number
  table: string | undefined
  journal: string | undefined
  report: string | undefined
  cases: readonly string[] | undefined
}

const readArguments = (): Wanted | undefined => {
  const { values } = parseArgs({
    options: {
      length: { type: 'string', default: 'ci' },
      rows: { type: 'string' },
      share: { type: 'string', default: '1' },
      table: { type: 'string' },
      journal: { type: 'string' },
      report: { type: 'string' },
      cases: { type: 'string', multiple: true },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const length = lengths.find((each) => each === values.length)
  if (length === undefined) throw new Error(`--length is one of ${lengths.join(', ')}`)
  const rows = values.rows === undefined ? undefined : new Set(rowsIn(values.rows))
  if (rows?.size === 0) throw new Error('--rows wants numbers such as F01,F05-F08')
  const share = Number(values.share)
  if (!(share > 0 && share <= 1)) throw new Error('--share is a number above 0, and 1 at most')
  const { table, journal, report, cases } = values
  return { length, rows, share, table, journal, report, cases }
}

const run = (args: readonly string[], env: Record<string, string> = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...env },
    })
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => child.kill(signal))
  })

const runVitest = (args: readonly string[], env: Record<string, string>): Promise<number> =>
  run([vitest, 'run', ...args], env)

const reporters = (file: string): string[] => [
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${file}`,
]

const main = async (): Promise<number> => {
  const wanted = readArguments()
  if (wanted === undefined) {
    process.stdout.write(help)
    return 0
  }
  const { length, rows, share, table, journal, report, cases } = wanted
  const startedAt = Date.now()
  const inScope = (id: string): boolean => rows?.has(id) ?? belongs(id, length)
  const folder = await mkdtemp(join(tmpdir(), 'zenhook-fault-report-'))
  try {
    const records = join(folder, 'records.jsonl')
    const onRig = join(folder, 'rig.json')
    const beside = join(folder, 'cases.json')
    const files = cases === undefined && length !== 'soak' ? filesWithCases(root) : []
    if (files.length > 0) {
      const pattern = String.raw`(^|\s)F\d\d\b.*:`
      const args = ['--project', 'suites', '-t', pattern, ...reporters(beside), ...files]
      await runVitest(args, { ZENHOOK_FAULTS_LENGTH: length })
    }
    // What is measured for long runs as it is shipped.
    if (length !== 'ci') await run([tsc, '-p', 'tsconfig.build.json'])
    await runVitest(['--project', 'faults', ...reporters(onRig)], {
      ...(length !== 'ci' && { ZENHOOK_USE_DIST: '1' }),
      ZENHOOK_FAULTS_LENGTH: length,
      ZENHOOK_FAULTS_SHARE: String(share),
      ZENHOOK_FAULTS_RECORD: records,
      // All that the rig makes lies in our folder, and so do the processes that it starts.
      TMPDIR: folder,
      ...(rows !== undefined && { ZENHOOK_FAULTS_ROWS: [...rows].join() }),
    })
    const found = { records: readRecords(records), rig: gatherRig(onRig) }
    const shown = journal === undefined ? found : joinRuns(journal, found)
    const inTable = (id: string): boolean => inScope(id) || shown.rig.has(id)
    const results = judgeRows(inTable, {
      ...shown,
      cases: gatherCases(cases ?? [beside]),
    })
    process.stdout.write(`\n${tableOf(results)}\n\n${summaryOf(results)}\n`)
    const failed = results.filter(({ state }) => state === 'broken' || state === 'missing')
    const passed = results.filter(({ state }) => state === 'holds')
    if (table !== undefined)
      await writeFile(table, pageOf(length, conditionsOf({ length, share, startedAt }), results))
    if (report !== undefined) {
      const counts = { numPassedTests: passed.length, numFailedTests: failed.length }
      await writeFile(report, JSON.stringify(counts))
    }
    return failed.length === 0 ? 0 : 1
  } finally {
    endLeftovers(folder)
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

process.exitCode = await main()
