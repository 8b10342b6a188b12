import { Command, Option } from 'commander'
import type { ShownReplay } from '../../api/replays.ts'
import { eventStatuses } from '../../core/decisions/story.ts'
import { entries } from '../../core/replay/index.ts'
import { contextOf, withInstance } from '../context.ts'
import { listing, single, usage } from '../output.ts'
import { pagesOf } from '../pages.ts'
import { sourceOf } from '../source.ts'
import { type MakeOptions, make, tellReplay, withMaking } from './replay-follow.ts'

interface Selection extends MakeOptions {
  tenant?: string
  source?: string
  type?: string
  status?: string
  destination?: string
  since?: string
  until?: string
  from?: string
  to?: string
}

interface Page {
  replays: readonly ShownReplay[]
  next?: string
}

const list = (): Command =>
  withInstance(new Command('list'))
    .description('replays of the last 30 days, newest first')
    .action(async (_options, command: Command) => {
      const { client, streams, format } = contextOf(command)
      const replays: ShownReplay[] = []
      const query = new URLSearchParams({ limit: '1000' })
      for await (const page of pagesOf<Page>(await client(), '/v1/replays', query))
        replays.push(...page.replays)
      streams.out(
        listing(
          replays,
          [
            { title: 'id', value: (r) => r.id },
            { title: 'what', value: (r) => (r.kind === 'dead' ? 'dead letters' : 'events') },
            { title: 'state', value: (r) => r.state },
            { title: 'created', value: (r) => r.createdAt },
            { title: 'by', value: (r) => r.by },
            { title: 'seen', value: (r) => `${r.progress.seen}/${r.candidates}` },
            { title: 'replayed', value: (r) => r.progress.replayed },
            { title: 'missing', value: (r) => r.progress.missing, wide: true },
          ],
          format,
        ),
      )
    })

const get = (): Command =>
  withInstance(new Command('get'))
    .description('one replay: its progress, and what became of what it sent')
    .argument('<job>', 'id of the replay')
    .action(async (id: string, _options, command: Command) => {
      const { client, streams, format } = contextOf(command)
      const replay = await (await client()).request<ShownReplay>('GET', pathOf(id))
      streams.out(single(replay, tellReplay, format))
    })

const pathOf = (id: string): string => `/v1/replays/${encodeURIComponent(id)}`

const control = (name: 'pause' | 'resume' | 'cancel', description: string): Command =>
  withInstance(new Command(name))
    .description(description)
    .argument('<job>', 'id of the replay')
    .action(async (id: string, _options, command: Command) => {
      const { client, streams, format } = contextOf(command)
      const replay = await (await client()).request<ShownReplay>('POST', `${pathOf(id)}/${name}`)
      streams.out(single(replay, tellReplay, format))
    })

/** `zenhook replay [ID…]` makes one; its subcommands tend it. */
export const replayCommand = (): Command =>
  withMaking(withInstance(new Command('replay')))
    .description('send what was received through the chain again: by id, or by filter and time')
    // What stands after the name of a subcommand belongs to that.
    .enablePositionalOptions()
    .argument('[id...]', 'event ids')
    .option('--tenant <name>', 'only events of this tenant')
    .option('--source <name>', 'only events of this source (TENANT/SOURCE, or a name)')
    .option('--type <type>', 'only events of this type')
    .addOption(new Option('--status <status>', 'only events that stand so').choices(eventStatuses))
    .option('--destination <name>', 'only events that were dispatched to it')
    .option('--since <time>', 'received at or after: RFC 3339, or an age such as 10m')
    .option('--until <time>', 'received before: RFC 3339, or an age such as 10m')
    .addOption(
      new Option(
        '--from <stage>',
        'where they enter again; deliver repeats what was decided (default: start)',
      ).choices(entries),
    )
    .option('--to <destination>', 'straight to this destination, whatever the routes say')
    .action(async (ids: string[], options: Selection, command: Command) => {
      const { type, status, destination, since, until, from, to } = options
      const selected = { ...sourceOf(options), type, status, destination, since, until }
      if (ids.length === 0 && Object.values(selected).every((value) => value === undefined)) {
        throw usage('Nothing says what to replay', 'Name event ids, or a filter such as --since 1h')
      }
      const body = { ...(ids.length === 0 ? {} : { ids }), ...selected, from, to }
      await make(contextOf(command), '/v1/replays', body, options)
    })
    .addCommand(list())
    .addCommand(get())
    .addCommand(control('pause', 'hold a replay after the step under way'))
    .addCommand(control('resume', 'let a held replay go on'))
    .addCommand(control('cancel', 'end a replay; what it has sent already goes on'))
