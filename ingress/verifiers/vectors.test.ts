import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { presets } from '../providers/index.ts'
import { type BatchRecord, verifyRecord } from './debug.ts'

interface Vector {
  readonly title: string
  /** Where the values are published, or which library of the vendor accepted or made them. */
  readonly source: string
  readonly record: BatchRecord
  readonly deliveryId?: string
  readonly type?: string
}

const vectorsOf = (name: 'published' | 'libraries'): readonly Vector[] =>
  JSON.parse(
    readFileSync(new URL(`../providers/vectors/${name}.json`, import.meta.url), 'utf8'),
  ) as Vector[]

const published = vectorsOf('published')
// Made once with the vendors' own libraries, each of which refused the request with another body.
const libraries = vectorsOf('libraries')

// Adyen and SNS sign fields; of the others any letter will do.
const signedPart = /7914073381342284|(?<="Message":")[^"]|[a-z](?=[^a-z]*$)/

describe.each([
  ['F50: values that vendors publish', published],
  ['requests that the libraries of vendors accept', libraries],
])('%s', (_, vectors) => {
  it.each(vectors.map((vector) => [vector.title, vector] as const))('%s', async (_, vector) => {
    const result = await verifyRecord(vector.record)
    expect(result).toMatchObject({
      ok: true,
      reason: null,
      step: null,
      ...(vector.type !== undefined && { type: vector.type }),
      ...(vector.deliveryId !== undefined && { deliveryId: vector.deliveryId }),
    })
  })

  it.each(vectors.map((vector) => [vector.title, vector] as const))(
    '%s, with another body or URL',
    async (_, { record }) => {
      const covered = record.provider === 'http-message-signatures'
      const result = await verifyRecord({
        ...record,
        ...(covered
          ? { url: 'https://example.org/bar' }
          : record.body
            ? { body: record.body.replace(signedPart, 'Q') }
            : { url: `${record.url}x` }),
      })
      expect(result.ok).toBe(false)
    },
  )
})

it.each(presets.map((preset) => [preset.name, preset] as const))(
  '%s claims no more evidence than there is',
  (name, { evidence }) => {
    const has = (vectors: readonly Vector[]) =>
      vectors.some(({ record }) => record.provider === name)
    if (evidence.checked === 'vector') expect(has(published)).toBe(true)
    else expect(has(published)).toBe(false)
    if (evidence.checked === 'library') expect(has(libraries)).toBe(true)
    if (evidence.checked === 'documentation') expect(has(libraries)).toBe(false)
    expect(evidence.source).not.toBe('')
    expect(evidence.url).toMatch(/^https:\/\//)
  },
)
