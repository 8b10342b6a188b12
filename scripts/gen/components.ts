import { z } from 'zod'
import { connectors } from '../../connectors/index.ts'
import type { ComponentSpec } from '../../core/config/component.ts'
import { durationPattern } from '../../core/config/units.ts'
import { verifierSpecs } from '../../ingress/verifiers/index.ts'
import { stageComponents } from '../../processors/index.ts'
import { heading, markdownTable } from './page.ts'

interface Property {
  description?: string
  type?: string | string[]
  pattern?: string
  enum?: unknown[]
  default?: unknown
  anyOf?: Property[]
}

const typeOf = (property: Property): string => {
  if (property.pattern === durationPattern.source) return 'duration'
  if (property.enum !== undefined) return property.enum.map((value) => `\`${value}\``).join(', ')
  if (property.anyOf !== undefined) return property.anyOf.map(typeOf).join(' or ')
  return [property.type ?? 'any'].flat().join(' or ')
}

const configTable = (spec: ComponentSpec): string => {
  const schema = z.toJSONSchema(spec.config, { io: 'input', unrepresentable: 'any' }) as {
    properties?: Record<string, Property>
    required?: string[]
  }
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) => [
    `\`${name}\``,
    typeOf(property),
    schema.required?.includes(name)
      ? 'required'
      : JSON.stringify(property.default ?? null).replace('null', ''),
    property.description ?? '',
  ])
  return rows.length === 0
    ? ''
    : `\n${markdownTable(['config', 'type', 'default', 'meaning'], rows)}`
}

const secretsTable = ({ secrets = {} }: ComponentSpec): string => {
  const rows = Object.entries(secrets).map(([role, { description, required, many }]) => [
    `\`${role}\``,
    required ? 'required' : '',
    many ? 'one or several' : 'one',
    description,
  ])
  return rows.length === 0 ? '' : `\n${markdownTable(['secret', '', '', 'meaning'], rows)}`
}

const section = (spec: ComponentSpec): string => {
  const reasons = Object.entries(spec.reasons).map(([reason, meaning]) => [
    `\`${reason}\``,
    meaning,
  ])
  const examples = spec.examples.map(
    ({ title, yaml }) => `\n${title}:\n\n\`\`\`yaml\n${yaml.trimEnd()}\n\`\`\`\n`,
  )
  return [
    `### ${spec.name}\n\n${spec.summary}. Status: ${spec.status}.\n`,
    configTable(spec),
    secretsTable(spec),
    `\n${markdownTable(['reason', 'meaning'], reasons)}`,
    ...examples,
  ].join('')
}

export const componentsPage = (): string =>
  [
    heading('Components', 'Verifiers, stages and connectors, as each declares itself.'),
    '## Verifiers\n',
    ...verifierSpecs.map((spec) => section(spec)),
    '## Stages\n',
    ...stageComponents.map(({ spec }) => section(spec)),
    '## Connectors\n',
    ...connectors.map(({ spec }) => section(spec)),
  ].join('\n')
