import { Command } from 'commander'
import type { Applied } from '../../api/types.ts'
import { contextOf, readInput, withInstance } from '../context.ts'
import { listing, single } from '../output.ts'

interface Options {
  file: string
}

const change = (name: string, dryRun: boolean, description: string): Command =>
  withInstance(new Command(name))
    .description(description)
    .requiredOption('-f, --file <file>', 'configuration file, or - for standard input')
    .action(async ({ file }: Options, command: Command) => {
      const { client, streams, format, quiet } = contextOf(command)
      const text = await readInput(file)
      const applied = await (await client()).request<Applied>(
        'POST',
        `/v1/registry/apply${dryRun ? '?dryRun=true' : ''}`,
        { file, text },
      )
      if (!quiet) {
        for (const fault of applied.warnings) {
          streams.err(
            `warning: ${fault.file}:${fault.line}:${fault.column} ${fault.code} ${fault.message}\n`,
          )
        }
      }
      streams.out(single(applied, (a) => describe(a, dryRun), format))
    })

const describe = ({ changed, revision }: Applied, dryRun: boolean): string => {
  if (changed.length === 0) return `nothing to change, revision ${revision}\n`
  const rows = listing(
    changed,
    [
      { title: 'action', value: (d) => d.action },
      { title: 'kind', value: (d) => d.kind },
      { title: 'name', value: (d) => `${d.tenant}/${d.name}` },
      { title: 'fields', value: (d) => d.fields.join(', ') },
    ],
    'table',
  )
  return `${rows}${dryRun ? 'would become' : 'now at'} revision ${revision}\n`
}

export const applyCommands = (): readonly Command[] => [
  change('apply', false, 'publish a configuration file to a running instance, with no restart'),
  change('diff', true, 'show what apply would change'),
]
