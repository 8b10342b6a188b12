import { Command } from 'commander'
import type { TriggerAnswer, Triggered } from '../../api/types.ts'
import { contextOf, waits, wholeNumber, withInstance } from '../context.ts'
import { type Format, listing, progress, usage } from '../output.ts'
import { Negative } from '../run.ts'
import { sourceOf } from '../source.ts'

interface Options {
  source?: string
  badSignature?: boolean
  duplicate?: boolean
  stale?: boolean
  burst?: number
}

// At most this many requests are under way at once in a burst.
const parallel = 32

export const triggerCommand = (): Command =>
  withInstance(new Command('trigger'))
    .description('send a realistic event, signed as the provider signs')
    .argument(
      '<provider.event>',
      'preset and event, for instance github.push; the event may be left out',
    )
    .option(
      '--source <tenant/source>',
      'source to send to; by default the only one of that provider, beside that of the demo',
    )
    .option('--bad-signature', 'sign with another secret: 401 is expected')
    .option('--stale', 'sign an hour in the past: 401 is expected where the scheme has a time')
    .option('--duplicate', 'send the same request twice')
    .option('--burst <n>', 'send this many different events', wholeNumber(1, 100_000))
    .action(async (what: string, options: Options, command: Command) => {
      const { client, streams, format, quiet } = contextOf(command)
      const dot = what.indexOf('.')
      const provider = dot === -1 ? what : what.slice(0, dot)
      const { tenant, source } = sourceOf({ source: options.source })
      if (source !== undefined && tenant === undefined) {
        throw usage(`--source '${source}' is not in the form TENANT/SOURCE`)
      }
      if (options.badSignature === true && options.stale === true) {
        throw usage('--bad-signature and --stale exclude each other')
      }
      const flaw = options.badSignature ? 'bad-signature' : options.stale ? 'stale' : undefined
      const copies = options.duplicate === true ? 2 : 1
      const total = options.burst ?? 1
      const answers: TriggerAnswer[] = []
      const bar = progress(streams, quiet)
      const draw = (wait = 0): void => {
        const done = `${answers.length}/${total * copies}`
        bar.update(wait === 0 ? done : `${done}, ${waits(wait)}`)
      }
      const api = await client(draw)
      const send = (): Promise<Triggered> =>
        api.request('POST', '/v1/trigger', {
          ...{ provider, tenant, source, flaw, copies },
          ...(dot === -1 ? {} : { event: what.slice(dot + 1) }),
        })

      const places = new Set<string>()
      const failures: unknown[] = []
      let started = 0
      const worker = async (): Promise<void> => {
        while (started < total && failures.length === 0) {
          started += 1
          try {
            const sent = await send()
            places.add(`${sent.tenant}/${sent.source}`)
            answers.push(...sent.answers)
          } catch (error) {
            failures.push(error)
          }
          draw()
        }
      }
      await Promise.all(Array.from({ length: Math.min(parallel, total) }, worker))
      bar.done()

      // What was sent is told also where the rest could not be.
      if (!quiet) for (const place of places) streams.err(`to ${place}\n`)
      if (answers.length > 0) streams.out(shownAnswers(answers, total, format))
      if (failures.length > 0) throw failures[0]
      if (flaw === 'stale' && !quiet && answers.some(({ status }) => status < 300)) {
        streams.err('accepted: the scheme of this source signs no time, so none is too old\n')
      }
      const expected = flaw === undefined ? 2 : 4
      if (answers.some((answer) => Math.floor(answer.status / 100) !== expected))
        throw new Negative()
    })

const shownAnswers = (answers: readonly TriggerAnswer[], total: number, format: Format): string => {
  if (format === 'json') return answers.map((answer) => `${JSON.stringify(answer)}\n`).join('')
  if (format === 'yaml') return listing(answers, [], format)
  if (total === 1) return answers.map((a) => `${a.status} ${JSON.stringify(a.body)}\n`).join('')
  const counts = new Map<number, number>()
  for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1)
  return [...counts].map(([status, count]) => `${status}: ${count}\n`).join('')
}
