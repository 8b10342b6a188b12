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
  /** Something was decided about it at or after. */
  decidedSince?: string
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
  const { tenant, source, type, status, since, until, decidedSince, limit } = filters
  const parameters = new URLSearchParams(more)
  for (const [name, value] of Object.entries({
    tenant,
    source,
    type,
    status,
    since,
    until,
    decidedSince,
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

/** All pages of what the filters say, newest first. */
const pages = async function* (api: Client, filters: Filters) {
  let more: Record<string, string> = {}
  for (;;) {
    const query = queryOf({ ...filters, limit: 1000 }, more)
    const { events, next } = await api.request<Page>('GET', `/v1/events?${query}`)
    yield events
    if (next === undefined) return
    more = { cursor: next }
  }
}

/** Looks again and again at what has come; each look gives what is new, oldest first. */
const newcomers = (api: Client, filters: Filters): (() => Promise<readonly EventSummary[]>) => {
  // When each was received, ms.
  const seen = new Map<string, number>()
  let since = filters.since ?? new Date(Date.now() - 5_000).toISOString()
  let newest = 0
  return async () => {
    const found: EventSummary[] = []
    for await (const events of pages(api, { ...filters, since })) {
      const fresh = events.filter(({ id }) => !seen.has(id))
      for (const { id, receivedAt } of fresh) {
        seen.set(id, Date.parse(receivedAt))
        newest = Math.max(newest, Date.parse(receivedAt))
      }
      found.push(...fresh)
      if (fresh.length === 0) break
    }
    if (newest > 0) since = new Date(newest - lookBackMs).toISOString()
    for (const [id, at] of seen) if (at < newest - lookBackMs) seen.delete(id)
    return found.reverse()
  }
}

/** The same of what has come to a status, however long ago it was received: something was decided about it just now. */
const arrivals = (api: Client, filters: Filters): (() => Promise<readonly EventSummary[]>) => {
  // When each was last met, ms.
  const seen = new Map<string, number>()
  let decidedSince = filters.since ?? new Date(Date.now() - 5_000).toISOString()
  return async () => {
    const found: EventSummary[] = []
    const now = Date.now()
    for await (const events of pages(api, { ...filters, decidedSince })) {
      found.push(...events.filter(({ id }) => !seen.has(id)))
      for (const { id } of events) seen.set(id, now)
    }
    decidedSince = new Date(now - lookBackMs).toISOString()
    for (const [id, at] of seen) if (at < now - 2 * lookBackMs) seen.delete(id)
    return found.reverse()
  }
}

const tail = (): Command =>
  filtered(withInstance(new Command('tail')))
    .description('follow events as they come, or come to a status; ends with Ctrl-C')
    .action(async (filters: Filters, command: Command) => {
      const { client, streams, format } = contextOf(command)
      const api = await client()
      const look = (filters.status === undefined ? newcomers : arrivals)(api, filters)
      for (;;) {
        for (const event of await look()) {
          streams.out(
            format === 'json'
              ? `${JSON.stringify(event)}\n`
              : listing([event], columns, format)
                  .split('\n')
                  .slice(format === 'yaml' ? 0 : 1)
                  .join('\n'),
          )
        }
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
