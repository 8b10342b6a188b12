import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageRoot } from '../../cli/version.ts'
import { catalog } from '../../core/errors/index.ts'
import { codeOfPage, problemPage, problemType } from '../../core/errors/problem.ts'

const root = packageRoot()
const folders = ['core', 'ingress', 'processors', 'connectors', 'api', 'cli']
const isSource = (name: string): boolean =>
  name.endsWith('.ts') &&
  !/\.(test|fixture|child)\.ts$|contract|testing|errors[/\\]catalog/.test(name)

const sources = folders
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter(isSource)
      .map((name) => join(root, folder, name)),
  )
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n')

const codes = Object.keys(catalog)
const areas = new Set(codes.map((code) => code.split('_')[1]))
/** Variables of the environment have the same prefix, and none of these areas. */
const named = new Set(
  [...sources.matchAll(/ZENHOOK_([A-Z]+)_[A-Z_]*[A-Z]\b(?!_)/g)]
    .filter(([, area]) => areas.has(area))
    .map(([code]) => code),
)

describe('the catalogue of errors', () => {
  it('is documented, code by code', () => {
    const page = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8')
    for (const code of Object.keys(catalog) as (keyof typeof catalog)[]) {
      expect(page).toContain(`\n## ${code}\n`)
      expect(readFileSync(join(root, `${problemType(code)}.md`), 'utf8')).toBe(problemPage(code))
      expect(codeOfPage(code.toLowerCase())).toBe(code)
    }
    const pages = readdirSync(join(root, 'docs/problems'))
    expect(pages.filter((name) => codeOfPage(name) === undefined)).toEqual([])
  })

  it('holds every code that the sources name', () => {
    expect([...named].filter((code) => !codes.includes(code))).toEqual([])
  })

  it('holds no code that no source names', () => {
    expect(codes.filter((code) => !named.has(code))).toEqual([])
  })

  it('tells in each entry what it is and what to do, in words', () => {
    for (const [code, { summary, fix }] of Object.entries(catalog)) {
      expect(code).toMatch(/^ZENHOOK_[A-Z]+_[A-Z_]+$/)
      expect(summary).toMatch(/^[A-Z].*[^.]$/)
      expect(fix.length).toBeGreaterThan(5)
    }
  })
})
