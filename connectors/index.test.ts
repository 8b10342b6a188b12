import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { connectors } from './index.ts'

describe('the list of connectors', () => {
  it('names each once, and all that the interface promises', () => {
    expect(connectors.map(({ spec }) => spec.name)).toEqual([
      'webhook',
      'slack',
      'servicenow',
      'jira',
      'kafka',
      'bin',
    ])
  })

  it.each(connectors.map(({ spec }) => [spec.name, spec] as const))(
    '%s declares itself soundly',
    (name, spec) => {
      expect(spec.kind).toBe('connector')
      expect(spec.summary).not.toMatch(/\.$/)
      for (const [reason, meaning] of Object.entries(spec.reasons)) {
        expect(reason).toMatch(/^[a-z][a-z0-9_]*$/)
        expect(meaning.length).toBeGreaterThan(5)
      }
      const schema = z.toJSONSchema(spec.config, { io: 'input' })
      for (const [field, property] of Object.entries(schema.properties ?? {})) {
        expect([field, property]).toEqual([
          field,
          expect.objectContaining({ description: expect.stringMatching(/.{10}/) }),
        ])
      }
      expect(spec.examples.length).toBeGreaterThan(0)
      for (const { yaml } of spec.examples) {
        const example = parse(yaml)
        expect(example.connector).toBe(name)
        expect(spec.config.safeParse(example.config ?? {}).error).toBeUndefined()
        for (const role of Object.keys(example.secrets ?? {})) {
          expect(Object.keys(spec.secrets ?? {})).toContain(role)
        }
      }
    },
  )
})
