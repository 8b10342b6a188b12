import { Command } from 'commander'
import type { EventSummary, Story } from '../../core/decisions/story.ts'
import { contextOf, wholeNumber, withInstance } from '../context.ts'
import { listing, single } from '../output.ts'
import { columns, tellStory } from '../story.ts'

interface Page {
  events: readonly EventSummary[]
  next?: string
}

interface Filters {
  tenant?: string
  source?: string
  type?: string
  status?: string
  since?: string
  until?: string
  limit?: number
}

const filtered = (command: Command): Command =>
  command
    .option('--tenant <name>', 'only events of this tenant')
    .option('--source <name>', 'only events of this source')
    .option('--type <type>', 'only events of this type')
    .option(
      '--status <status>',
      'accepted, routed, retrying, parked, delivered, partial, dropped, dead',
    )
    .option('--since <time>', 'received at or after: RFC 3339, or an age such as 10m')
    .option('--until <time>', 'received before: RFC 3339, or an age such as 10m')

const queryOf = (filters: Filters, more: Record<string, string> = {}): string => {
  const { tenant, source, type, status, since, until, limit } = filters
  const parameters = new URLSearchParams(more)
  for (const [name, value] of Object.entries({
    tenant,
    source,
    type,
    status,
    since,
    until,
    limit,
  })) {
    if (value !== undefined) parameters.set(name, String(value))
  }
  return parameters.toString()
}

const list = (): Command =>
  filtered(withInstance(new Command('list')))
    .description('list events, newest first')
    .option('--limit <n>', 'at most this many', wholeNumber(1, 1000), 50)
    .action(async (filters: Filters, command: Command) => {
      const { client, streams, format } = contextOf(command)
      const page = await (await client()).request<Page>('GET', `/v1/events?${queryOf(filters)}`)
      streams.out(listing(page.events, columns, format))
    })

const get = (): Command =>
  withInstance(new Command('get'))
    .description('one event: its headers, its data, its decisions and attempts')
    .argument('<id>', 'event id')
    .action(async (id: string, _options, command: Command) => {
      const { client, streams, format } = contextOf(command)
      const event = await (await client()).request<Story>('GET', eventPath(id))
      streams.out(single(event, (e) => `${JSON.stringify(e, null, 2)}\n`, format))
    })

const tail = (): Command =>
  filtered(withInstance(new Command('tail')))
    .description('follow events as they come; ends with Ctrl-C')
    .action(async (filters: Filters, command: Command) => {
      const { client, streams, format } = contextOf(command)
      const api = await client()
      const seen = new Set<string>()
      let since = filters.since ?? new Date(Date.now() - 5_000).toISOString()
      for (;;) {
        const query = queryOf({ ...filters, since, limit: 1000 })
        const { events } = await api.request<Page>('GET', `/v1/events?${query}`)
        for (const event of [...events].reverse()) {
          if (seen.has(event.id)) continue
          seen.add(event.id)
          streams.out(
            format === 'json'
              ? `${JSON.stringify(event)}\n`
              : listing([event], columns, format)
                  .split('\n')
                  .slice(format === 'yaml' ? 0 : 1)
                  .join('\n'),
          )
          // Rows become visible within a second or two: look back a little, and remember what was shown.
          since = new Date(Date.parse(event.receivedAt) - 10_000).toISOString()
        }
        if (seen.size > 50_000) seen.clear()
        await new Promise((done) => setTimeout(done, 500))
      }
    })

const eventPath = (id: string): string => `/v1/events/${encodeURIComponent(id)}`

export const eventsCommand = (): Command =>
  new Command('events')
    .description('events that came in')
    .addCommand(list())
    .addCommand(get())
    .addCommand(tail())

export const explainCommand = (): Command =>
  withInstance(new Command('explain'))
    .description('the whole story of one event: every decision with its reason, and every attempt')
    .argument('<id>', 'event id')
    .action(async (id: string, _options, command: Command) => {
      const { client, streams, format } = contextOf(command)
      const event = await (await client()).request<Story>('GET', eventPath(id))
      streams.out(single(event, tellStory, format))
    })
