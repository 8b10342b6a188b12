import { Command } from 'commander'
import type { Applied } from '../../api/types.ts'
import { confirmed, mayAsk, withYes } from '../confirm.ts'
import { contextOf, readInput, withInstance } from '../context.ts'
import { listing, type Streams, single } from '../output.ts'

interface Options {
  file: string
  dryRun?: boolean
  yes?: boolean
}

type Send = (dryRun: boolean) => Promise<Applied>

/** Asks before objects are removed, where somebody is there to be asked. */
const askToRemove = async (send: Send, streams: Streams): Promise<void> => {
  const { changed } = await send(true)
  const gone = changed.filter(({ action }) => action === 'delete')
  if (gone.length === 0) return
  for (const { kind, tenant, name } of gone) streams.err(`removes ${kind} ${tenant}/${name}\n`)
  await confirmed(`Remove ${gone.length === 1 ? 'this object' : `these ${gone.length} objects`}?`)
}

const act = async (command: Command, { file, dryRun = false, yes }: Options): Promise<void> => {
  const { client, streams, format, quiet } = contextOf(command)
  const text = await readInput(file)
  const api = await client()
  const send: Send = (dry) =>
    api.request('POST', `/v1/registry/apply${dry ? '?dryRun=true' : ''}`, { file, text })
  if (!dryRun && mayAsk(yes)) await askToRemove(send, streams)
  const applied = await send(dryRun)
  if (!quiet) {
    for (const fault of applied.warnings) {
      streams.err(
        `warning: ${fault.file}:${fault.line}:${fault.column} ${fault.code} ${fault.message}\n`,
      )
    }
  }
  streams.out(single(applied, (a) => describe(a, dryRun), format))
}

const ofFile = (name: string, description: string): Command =>
  withInstance(new Command(name))
    .description(description)
    .requiredOption('-f, --file <file>', 'configuration file, or - for standard input')

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
  withYes(
    ofFile(
      'apply',
      'publish a configuration file to a running instance, with no restart; replaces the whole configuration',
    ).option('--dry-run', 'only show what would change, as diff does'),
  ).action((options: Options, command: Command) => act(command, options)),
  ofFile('diff', 'show what apply would change').action((options: Options, command: Command) =>
    act(command, { ...options, dryRun: true }),
  ),
]
