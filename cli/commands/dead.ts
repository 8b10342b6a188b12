import { Command } from 'commander'
import type { DeadLetter } from '../../api/dead.ts'
import { contextOf, wholeNumber, withInstance } from '../context.ts'
import { listing, single } from '../output.ts'

const list = (): Command =>
  withInstance(new Command('list'))
    .description('dead letters, newest first, with their cause')
    .option('--tenant <name>', 'only of this tenant')
    .option('--code <code>', 'only with this cause')
    .option('--limit <n>', 'at most this many', wholeNumber(1, 1000), 50)
    .action(
      async (
        { tenant, code, limit }: { tenant?: string; code?: string; limit: number },
        command: Command,
      ) => {
        const { client, streams, format } = contextOf(command)
        const query = new URLSearchParams({ limit: String(limit) })
        if (tenant !== undefined) query.set('tenant', tenant)
        if (code !== undefined) query.set('code', code)
        const { dead } = await (await client()).request<{ dead: readonly DeadLetter[] }>(
          'GET',
          `/v1/dead?${query}`,
        )
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
              { title: 'cause', value: (d) => d.message, wide: true },
            ],
            format,
          ),
        )
      },
    )

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

export const deadCommand = (): Command =>
  new Command('dead')
    .description('what could not be processed or delivered')
    .addCommand(list())
    .addCommand(get())
