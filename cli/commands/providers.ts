import { Command } from 'commander'
import type { Preset } from '../../ingress/providers/preset.ts'
import { contextOf, withGlobals } from '../context.ts'
import { listing, single } from '../output.ts'

const schemesOf = (preset: Preset): string =>
  preset.schemes
    .map(({ name, verify }) => (name === verify.scheme ? name : `${name} (${verify.scheme})`))
    .join(', ')

const describe = (preset: Preset): string =>
  [
    `name        ${preset.name}${preset.aliases === undefined ? '' : ` (also ${preset.aliases.join(', ')})`}`,
    `title       ${preset.title}`,
    `schemes     ${schemesOf(preset)}`,
    `covers      ${preset.bodyCovered ? 'the body' : 'not the body'}, ${preset.idCovered ? 'the delivery id' : 'not the delivery id'}`,
    `secret      ${preset.secret}`,
    `patience    ${preset.patienceMs} ms`,
    `keeps       ${preset.keep.join(', ')}`,
    `events      ${preset.samples.map(({ type }) => type).join(', ')} (samples for zenhook trigger)`,
    `documented  ${preset.docs}`,
    `checked     ${preset.evidence.checked}: ${preset.evidence.source}, ${preset.evidence.url}`,
    ...(preset.notes ?? []).map((note) => `note        ${note}`),
    '',
  ].join('\n')

const list = (): Command =>
  withGlobals(new Command('list'))
    .description('every preset')
    .action(async (_options, command: Command) => {
      const { presets } = await import('../../ingress/providers/index.ts')
      const { streams, format } = contextOf(command)
      streams.out(
        listing(
          presets,
          [
            { title: 'name', value: (p) => p.name },
            { title: 'title', value: (p) => p.title },
            { title: 'schemes', value: schemesOf },
            { title: 'body', value: (p) => (p.bodyCovered ? 'covered' : 'not covered') },
            { title: 'checked', value: (p) => p.evidence.checked },
            { title: 'documented', value: (p) => p.docs, wide: true },
          ],
          format,
        ),
      )
    })

const show = (): Command =>
  withGlobals(new Command('show'))
    .description('one preset: what it signs, where its secret is, which sample events there are')
    .argument('<provider>', 'name of the preset')
    .action(async (name: string, _options, command: Command) => {
      const { presetNamed } = await import('../../ingress/verifiers/index.ts')
      const { streams, format } = contextOf(command)
      streams.out(single(presetNamed(name), describe, format))
    })

export const providersCommand = (): Command =>
  new Command('providers')
    .description('the presets: how each provider signs')
    .addCommand(list())
    .addCommand(show())
