import { Command, Option } from 'commander'
import { type EventSummary, eventStatuses, type Story } from '../../core/decisions/story.ts'
import type { Client } from '../client.ts'
import { contextOf, wholeNumber, withInstance } from '../context.ts'
import { listing, progress, single } from '../output.ts'
import { pagesOf, tellOlder } from '../pages.ts'
import { sourceOf } from '../source.ts'
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
    .option('--source <name>', 'only events of this source (TENANT/SOURCE, or a name)')
    .option('--type <type>', 'only events of this type')
    .addOption(new Option('--status <status>', 'only events that stand so').choices(eventStatuses))
    .option('--since <time>', 'received at or after: RFC 3339, or an age such as 10m')
    .option('--until <time>', 'received before: RFC 3339, or an age such as 10m')

/** The filters of a command line, without its other options. */
const filtersOf = ({ tenant, source, type, status, since, until }: Filters): Filters => ({
  ...sourceOf({ tenant, source }),
  ...{ type, status, since, until },
})

/** Page after page of what the filters say, newest first. */
const pages = (api: Client, filters: Filters): AsyncIterable<Page> => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(filters))
    if (value !== undefined) query.set(name, String(value))
  return pagesOf<Page>(api, '/v1/events', query)
}

const list = (): Command =>
  filtered(withInstance(new Command('list')))
    .description('list events, newest first')
    .option('--limit <n>', 'at most this many', wholeNumber(1, 1000), 50)
    .action(async ({ limit, ...filters }: Filters & { limit: number }, command: Command) => {
      const { client, streams, format, quiet } = contextOf(command)
      const wanted = { ...filtersOf(filters), limit }
      const found: EventSummary[] = []
      const bar = progress(streams, quiet)
      // A page may hold few, or none, of what stands so, and others lie behind it.
      let older = false
      let failure: { error: unknown } | undefined
      try {
        for await (const { events, next } of pages(await client(), wanted)) {
          found.push(...events)
          older = next !== undefined || found.length > limit
          if (found.length >= limit) break
          bar.update(`${found.length} of ${limit} found, looks further back`)
        }
      } catch (error) {
        failure = { error }
      }
      bar.done()
      const shown = found.slice(0, limit)
      // What came before it failed is shown all the same; that nothing did is no answer.
      if (failure === undefined || shown.length > 0) streams.out(listing(shown, columns, format))
      if (older) tellOlder({ streams, quiet }, shown.length, shown.at(-1)?.receivedAt)
      if (failure !== undefined) throw failure.error
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

/** Looks again and again at what has come; each look gives what is new, oldest first. */
const newcomers = (api: Client, filters: Filters): (() => Promise<readonly EventSummary[]>) => {
  // When each was received, ms.
  const seen = new Map<string, number>()
  let since = filters.since ?? new Date(Date.now() - 5_000).toISOString()
  let newest = 0
  return async () => {
    const found: EventSummary[] = []
    for await (const { events } of pages(api, { ...filters, since, limit: 1000 })) {
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
    for await (const { events } of pages(api, { ...filters, decidedSince, limit: 1000 })) {
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
    .action(async (options: Filters, command: Command) => {
      const { client, streams, format } = contextOf(command)
      const filters = filtersOf(options)
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
