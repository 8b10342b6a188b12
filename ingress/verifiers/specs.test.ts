import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { findPreset, presets } from '../providers/index.ts'
import { valueAt } from './body.ts'
import { verifierSpecs } from './index.ts'
import { schemes } from './schemes.ts'
import { bindScheme, presetOf } from './settings.ts'

interface Schema {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
}

const undescribed = (schema: Schema, path: string): string[] => [
  ...Object.entries(schema.properties ?? {}).flatMap(([name, each]) => [
    ...(each.description === undefined ? [`${path}.${name}`] : []),
    ...undescribed(each, `${path}.${name}`),
  ]),
  ...(schema.items ? undescribed(schema.items, `${path}[]`) : []),
]

describe.each(verifierSpecs.map((spec) => [spec.name, spec] as const))(
  'scheme %s',
  (name, spec) => {
    it('declares itself whole', () => {
      expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
      const schema = z.toJSONSchema(spec.config, { io: 'input', unrepresentable: 'any' }) as Schema
      expect(undescribed(schema, name)).toEqual([])
      for (const reason of Object.keys(spec.reasons))
        expect(reason).toMatch(/^(missing|malformed|mismatch|stale)$/)
    })

    it('shows examples that are right', () => {
      expect(spec.examples.length).toBeGreaterThan(0)
      for (const { yaml } of spec.examples) {
        const { provider, verify } = parse(yaml) as {
          provider?: string
          verify?: Record<string, unknown>
        }
        const preset = presetOf({
          ...(provider !== undefined && { provider }),
          ...(verify && { verify }),
        })
        const used = preset.schemes.map((scheme) => bindScheme(scheme.verify).scheme.spec.name)
        expect(used).toContain(name)
      }
    })
  },
)

/** The names of the first presets, which configurations already use. */
const names =
  'github stripe slack zoom shopify twilio standard-webhooks pagerduty gitlab linear discord sendgrid paddle square hubspot mailgun zendesk typeform bitbucket jira jira-connect aws-sns meta intercom sentry okta docusign grafana alertmanager servicenow circleci adyen box line pusher razorpay messagebird http-message-signatures'.split(
    ' ',
  )

describe('presets', () => {
  it('are all there, each name once', () => {
    expect(presets.map(({ name }) => name)).toEqual(expect.arrayContaining(names))
    const all = presets.flatMap(({ name, aliases = [] }) => [name, ...aliases])
    expect(new Set(all).size).toBe(all.length)
    expect(presets.length).toBeGreaterThanOrEqual(75)
    expect(findPreset('svix')?.name).toBe('standard-webhooks')
  })

  it('have the tolerances that their providers or our policy name', () => {
    const tolerances = Object.fromEntries(
      presets.map(({ name, schemes: [{ verify }] }) => [
        name,
        verify.timestamp || !['hmac', 'rsa'].includes(verify.scheme)
          ? valueAt(bindScheme(verify).config, 'tolerance')
          : undefined,
      ]),
    )
    expect(tolerances).toMatchObject({
      stripe: '300000',
      slack: '300000',
      zoom: '300000',
      'standard-webhooks': '300000',
      linear: '60000',
      discord: '300000',
      sendgrid: '300000',
      paddle: '5000',
      hubspot: '300000',
      mailgun: '300000',
      zendesk: '300000',
      'aws-sns': '3600000',
      box: '600000',
      workos: '180000',
      calendly: '180000',
      elevenlabs: '1800000',
      sanity: '3600000',
      twitch: '600000',
      telnyx: '300000',
      wise: undefined,
      github: undefined,
      sentry: undefined,
    })
  })

  it('end with a scheme for whatever claims none, and say where their facts are from', () => {
    for (const preset of presets) {
      const last = preset.schemes.at(-1)
      expect(last?.when === undefined || last.when.without !== undefined).toBe(true)
      expect(preset.docs).toMatch(/^https:\/\//)
      expect(preset.secret).not.toBe('')
      expect(preset.patienceMs).toBeGreaterThanOrEqual(1_000)
    }
  })
})

it('every scheme is declared once', () => {
  expect(new Set(schemes.map(({ spec }) => spec.name)).size).toBe(schemes.length)
})
