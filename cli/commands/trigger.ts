import { Command } from 'commander'
import type { TriggerAnswer } from '../../api/types.ts'
import { contextOf, wholeNumber, withInstance } from '../context.ts'
import { progress, usage } from '../output.ts'
import { Negative } from '../run.ts'

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
      'source to send to; the only one of that provider by default',
    )
    .option('--bad-signature', 'sign with another secret: 401 is expected')
    .option('--stale', 'sign an hour in the past: 401 is expected where the scheme has a time')
    .option('--duplicate', 'send the same request twice')
    .option('--burst <n>', 'send this many different events', wholeNumber(1, 100_000))
    .action(async (what: string, options: Options, command: Command) => {
      const { client, streams, format, quiet } = contextOf(command)
      const dot = what.indexOf('.')
      const provider = dot === -1 ? what : what.slice(0, dot)
      const named = options.source?.split('/')
      if (named !== undefined && named.length !== 2) {
        throw usage(`--source '${options.source}' is not in the form TENANT/SOURCE`)
      }
      const [tenant, source] = named ?? []
      if (options.badSignature === true && options.stale === true) {
        throw usage('--bad-signature and --stale exclude each other')
      }
      const api = await client()
      const flaw = options.badSignature ? 'bad-signature' : options.stale ? 'stale' : undefined
      const copies = options.duplicate === true ? 2 : 1
      const send = (): Promise<{ answers: readonly TriggerAnswer[] }> =>
        api.request('POST', '/v1/trigger', {
          ...{ provider, tenant, source, flaw, copies },
          ...(dot === -1 ? {} : { event: what.slice(dot + 1) }),
        })

      const total = options.burst ?? 1
      const bar = progress(streams, quiet)
      const answers: TriggerAnswer[] = []
      let started = 0
      const worker = async (): Promise<void> => {
        while (started < total) {
          started += 1
          answers.push(...(await send()).answers)
          bar.update(`${answers.length}/${total * copies}`)
        }
      }
      await Promise.all(Array.from({ length: Math.min(parallel, total) }, worker))
      bar.done()

      if (format === 'json') {
        streams.out(answers.map((answer) => `${JSON.stringify(answer)}\n`).join(''))
      } else if (total === 1) {
        streams.out(answers.map((a) => `${a.status} ${JSON.stringify(a.body)}\n`).join(''))
      } else {
        const counts = new Map<number, number>()
        for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1)
        streams.out([...counts].map(([status, count]) => `${status}: ${count}\n`).join(''))
      }
      if (flaw === 'stale' && !quiet && answers.some(({ status }) => status < 300)) {
        streams.err('accepted: the scheme of this source signs no time, so none is too old\n')
      }
      const expected = flaw === undefined ? 2 : 4
      if (answers.some((answer) => Math.floor(answer.status / 100) !== expected))
        throw new Negative()
    })
