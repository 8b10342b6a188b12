import { Command } from 'commander'
import type { EventSummary, Story } from '../../core/decisions/story.ts'
import type { Client } from '../client.ts'
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

/** Rows become visible within a second or two: each look goes back a little, and leaves out what was shown. */
const lookBackMs = 10_000

/** What is not in `seen` yet (ids with their times, ms), oldest first; it is added to it. */
const unseen = async (
  api: Client,
  filters: Filters,
  seen: Map<string, number>,
): Promise<readonly EventSummary[]> => {
  const found: EventSummary[] = []
  let more: Record<string, string> = {}
  for (;;) {
    const query = queryOf({ ...filters, limit: 1000 }, more)
    const { events, next } = await api.request<Page>('GET', `/v1/events?${query}`)
    const fresh = events.filter(({ id }) => !seen.has(id))
    for (const { id, receivedAt } of fresh) seen.set(id, Date.parse(receivedAt))
    found.push(...fresh)
    // A page of a filter by status may be empty, with matches after it.
    const isKnown = events.length > 0 && fresh.length === 0
    if (next === undefined || isKnown) return found.reverse()
    more = { cursor: next }
  }
}

const tail = (): Command =>
  filtered(withInstance(new Command('tail')))
    .description('follow events as they come; ends with Ctrl-C')
    .action(async (filters: Filters, command: Command) => {
      const { client, streams, format } = contextOf(command)
      const api = await client()
      const seen = new Map<string, number>()
      let since = filters.since ?? new Date(Date.now() - 5_000).toISOString()
      let newest = 0
      for (;;) {
        for (const event of await unseen(api, { ...filters, since }, seen)) {
          streams.out(
            format === 'json'
              ? `${JSON.stringify(event)}\n`
              : listing([event], columns, format)
                  .split('\n')
                  .slice(format === 'yaml' ? 0 : 1)
                  .join('\n'),
          )
          newest = Math.max(newest, Date.parse(event.receivedAt))
        }
        if (newest > 0) since = new Date(newest - lookBackMs).toISOString()
        for (const [id, at] of seen) if (at < newest - lookBackMs) seen.delete(id)
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
