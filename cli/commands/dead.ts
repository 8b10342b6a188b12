import { Command, Option } from 'commander'
import type { DeadCause, DeadLetter, ShownDiscarded } from '../../api/dead.ts'
import { letterStates } from '../../core/replay/index.ts'
import { confirmed, mayAsk, withYes } from '../confirm.ts'
import { type Context, contextOf, wholeNumber, withInstance } from '../context.ts'
import { listing, single, usage } from '../output.ts'
import { tellOlder } from '../pages.ts'
import { Negative } from '../run.ts'
import { sourceOf } from '../source.ts'
import { type MakeOptions, make, withMaking } from './replay-follow.ts'

interface Filter {
  tenant?: string
  source?: string
  destination?: string
  stage?: string
  code?: string
  since?: string
  until?: string
}

const filtered = (command: Command): Command =>
  command
    .option('--tenant <name>', 'only of this tenant')
    .option('--source <name>', 'only of this source (TENANT/SOURCE, or a name)')
    .option('--destination <name>', 'only on the way to it')
    .option('--stage <name>', 'only those that this stage gave up, or deliver')
    .option('--code <code>', 'only with this cause')
    .option('--since <time>', 'died at or after: RFC 3339, or an age such as 10m')
    .option('--until <time>', 'died before: RFC 3339, or an age such as 10m')

const filterOf = (options: Filter): Filter => {
  const { destination, stage, code, since, until } = options
  const given = { ...sourceOf(options), destination, stage, code, since, until }
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as Filter
}

interface Page {
  dead: readonly DeadLetter[]
  more: boolean
  next?: string
}

interface ListOptions extends Filter {
  state: string
  limit: number
  by?: string
}

const list = (): Command =>
  filtered(withInstance(new Command('list')))
    .description('dead letters, newest first, with their cause; the open ones by default')
    .addOption(
      new Option('--state <state>', 'open, replayed, discarded, or all')
        .choices([...letterStates, 'all'])
        .default('open'),
    )
    .addOption(new Option('--by <what>', 'group them by their cause').choices(['cause']))
    .option('--limit <n>', 'at most this many', wholeNumber(1, 1000), 50)
    .action(async ({ state, limit, by, ...filter }: ListOptions, command: Command) => {
      const context = contextOf(command)
      const query = new URLSearchParams({ ...filterOf(filter), state })
      if (by === 'cause') return listCauses(context, query)
      query.set('limit', String(limit))
      const { client, streams, format } = context
      const { dead, more, next } = await (await client()).request<Page>('GET', `/v1/dead?${query}`)
      streams.out(
        listing(
          dead,
          [
            { title: 'id', value: (d) => d.id },
            { title: 'at', value: (d) => d.at },
            { title: 'event', value: (d) => d.eventId },
            { title: 'to', value: (d) => d.destination ?? '' },
            { title: 'stage', value: (d) => d.stage },
            { title: 'code', value: (d) => d.code },
            { title: 'state', value: (d) => d.state, wide: true },
            { title: 'replays', value: (d) => d.replays, wide: true },
            { title: 'cause', value: (d) => d.message, wide: true },
          ],
          format,
        ),
      )
      if (next !== undefined) tellOlder(context, dead.length, dead.at(-1)?.at)
      else if (more) tellUnseen(context)
    })

const listCauses = async (context: Context, query: URLSearchParams): Promise<void> => {
  const { client, streams, format } = context
  const { causes, more } = await (await client()).request<{
    causes: readonly DeadCause[]
    more: boolean
  }>('GET', `/v1/dead/causes?${query}`)
  streams.out(
    listing(
      causes,
      [
        { title: 'count', value: (c) => c.count },
        { title: 'code', value: (c) => c.code },
        { title: 'stage', value: (c) => c.stage },
        { title: 'tenant', value: (c) => c.tenant },
        { title: 'to', value: (c) => c.destination ?? '' },
        { title: 'oldest', value: (c) => c.oldest },
        { title: 'newest', value: (c) => c.newest },
        { title: 'cause', value: (c) => c.message, wide: true },
      ],
      format,
    ),
  )
  if (more) tellUnseen(context)
}

/** Lists look at the newest letters only, whatever they filter by. */
const tellUnseen = ({ streams, quiet }: Context): void => {
  if (quiet) return
  streams.err(
    'older letters are retained that were not looked at: dead get, dead replay and dead discard reach them\n',
  )
}

const get = (): Command =>
  withInstance(new Command('get'))
    .description('one dead letter: its cause, its origin, its bytes (base64)')
    .argument('<id>', 'dead letter id')
    .action(async (id: string, _options, command: Command) => {
      const { client, streams, format } = contextOf(command)
      const letter = await (await client()).request<DeadLetter>(
        'GET',
        `/v1/dead/${encodeURIComponent(id)}`,
      )
      streams.out(single(letter, (l) => `${JSON.stringify(l, null, 2)}\n`, format))
    })

interface Targets extends Filter {
  all?: boolean
}

/** Ids, a filter, or `--all`: everything is to be said. */
const targetsOf = (ids: readonly string[], { all, ...options }: Targets): object => {
  const filter = filterOf(options)
  if (ids.length === 0 && all !== true && Object.keys(filter).length === 0) {
    throw usage(
      'Nothing says which dead letters are meant',
      'Name ids, or a filter such as --code and --destination, or say --all',
    )
  }
  return { ...(ids.length === 0 ? {} : { ids }), ...filter, ...(all === true ? { all } : {}) }
}

const replay = (): Command =>
  withMaking(filtered(withInstance(new Command('replay'))))
    .description('send open dead letters on their way again, as a replay')
    .argument('[id...]', 'dead letter ids')
    .option('--all', 'every open one')
    .action(async (ids: string[], options: Targets & MakeOptions, command: Command) => {
      await make(contextOf(command), '/v1/dead/replay', targetsOf(ids, options), options)
    })

interface DiscardOptions extends Targets {
  reason: string
  yes?: boolean
}

const discard = (): Command =>
  withYes(filtered(withInstance(new Command('discard'))))
    .description('give open dead letters up; who did it and why stays in the story of each event')
    .argument('[id...]', 'dead letter ids')
    .option('--all', 'every open one')
    .requiredOption('--reason <text>', 'why')
    .action(async (ids: string[], options: DiscardOptions, command: Command) => {
      const { client, streams, format } = contextOf(command)
      const { yes, reason, ...filter } = options
      const targets = targetsOf(ids, filter)
      if (mayAsk(yes))
        await confirmed(`Give up ${ids.length > 0 ? ids.join(', ') : 'all that fit'}?`)
      const made = await (await client()).request<ShownDiscarded>('POST', '/v1/dead/discard', {
        ...targets,
        reason,
      })
      streams.out(single(made, tellDiscarded, format))
      if (made.refused.length > 0) throw new Negative()
    })

const tellDiscarded = ({ discarded, refused, more }: ShownDiscarded): string =>
  [
    `discarded  ${discarded.length}\n`,
    ...refused.map(({ id, why }) => `refused    ${id}: ${why}\n`),
    ...(more ? ['more       there are others: run it again\n'] : []),
  ].join('')

export const deadCommand = (): Command =>
  new Command('dead')
    .description('what could not be processed or delivered')
    .addCommand(list())
    .addCommand(get())
    .addCommand(replay())
    .addCommand(discard())
