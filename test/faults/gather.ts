import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { rowsOfTitle } from './plan.ts'
import type { FaultRecord } from './row.ts'
import type { Cases, RigResult } from './table.ts'

const report = z.object({
  testResults: z.array(
    z.object({
      assertionResults: z.array(
        z.object({
          title: z.string(),
          ancestorTitles: z.array(z.string()),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
})

interface Case {
  rows: readonly string[]
  status: string
  message: string
}

/** Cases whose name, or that of a group around them, begins with a row's number. */
const casesIn = (file: string): Case[] => {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  // A run that was cut short leaves none.
  if (text === '') return []
  const { testResults } = report.parse(JSON.parse(text))
  return testResults.flatMap(({ assertionResults }) =>
    assertionResults.flatMap(({ title, ancestorTitles, status, failureMessages }) => {
      const rows = new Set([title, ...ancestorTitles].flatMap(rowsOfTitle))
      const [message = ''] = failureMessages ?? []
      return rows.size === 0 ? [] : [{ rows: [...rows], status, message }]
    }),
  )
}

export const gatherCases = (files: readonly string[]): Map<string, Cases> => {
  const found = new Map<string, Cases>()
  for (const { rows, status } of files.flatMap(casesIn))
    for (const id of rows) {
      const cases = found.get(id) ?? { passed: 0, failed: 0, skipped: 0 }
      if (status === 'passed') cases.passed += 1
      else if (status === 'failed') cases.failed += 1
      else cases.skipped += 1
      found.set(id, cases)
    }
  return found
}

const longestMessage = 300

/** A row with several tests holds when all of them do. */
export const gatherRig = (file: string): Map<string, RigResult> => {
  const found = new Map<string, RigResult>()
  for (const { rows, status, message } of casesIn(file))
    for (const id of rows) {
      const line = (message.split('\n').at(0) ?? '').slice(0, longestMessage)
      const known = found.get(id) ?? { passed: true, message: '' }
      found.set(id, status === 'passed' ? known : { passed: false, message: line })
    }
  return found
}

export const readRecords = (file: string): FaultRecord[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as FaultRecord)
    : []

const folders = [
  'api',
  'bench',
  'cli',
  'connectors',
  'core',
  'ingress',
  'processors',
  'schemas',
  'scripts',
  'test',
]
const named = /(?:it|test|describe)(?:\.\w+(?:\([^)]*\))?)*\(\s*['"`]F\d\d/

/** Test files that hold cases of rows, or lie beside a suite that does. */
export const filesWithCases = (root: string): string[] => {
  const sources = folders
    .filter((folder) => existsSync(`${root}/${folder}`))
    .flatMap((folder) =>
      readdirSync(`${root}/${folder}`, { encoding: 'utf8', recursive: true }).map(
        (file) => `${folder}/${file}`,
      ),
    )
    .filter((file) => file.endsWith('.ts') && !file.startsWith('test/faults/'))
  const holding = sources.filter((file) => named.test(readFileSync(`${root}/${file}`, 'utf8')))
  const tests = sources.filter((file) => file.endsWith('.test.ts'))
  const found = holding.flatMap((file) => {
    if (file.endsWith('.test.ts')) return [file]
    const folder = file.slice(0, file.lastIndexOf('/') + 1)
    return tests.filter((test) => test.startsWith(folder))
  })
  return [...new Set(found)]
}
