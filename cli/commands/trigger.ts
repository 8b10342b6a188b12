import { Command } from 'commander'
import type { SignedRequest } from '../../api/types.ts'
import { messageOf, ZenhookError } from '../../core/errors/index.ts'
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

interface Answer {
  status: number
  body: unknown
}

const deliver = async (request: SignedRequest): Promise<Answer> => {
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.method === 'GET' ? null : Buffer.from(request.body, 'base64'),
      signal: AbortSignal.timeout(30_000),
    })
    const text = await response.text()
    try {
      return { status: response.status, body: JSON.parse(text) as unknown }
    } catch {
      return { status: response.status, body: text }
    }
  } catch (error) {
    throw new ZenhookError('ZENHOOK_CLI_NO_INSTANCE', {
      message: `${new URL(request.url).origin} does not answer: ${messageOf(error)}`,
    })
  }
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
    .option('--source <tenant/source>', 'source to send to', 'demo/github')
    .option('--bad-signature', 'sign with another secret: 401 is expected')
    .option('--stale', 'sign an hour in the past: 401 is expected where the scheme has a time')
    .option('--duplicate', 'send the same request twice')
    .option('--burst <n>', 'send this many different events', wholeNumber(1, 100_000))
    .action(async (what: string, options: Options, command: Command) => {
      const { client, streams, format, quiet } = contextOf(command)
      const dot = what.indexOf('.')
      const provider = dot === -1 ? what : what.slice(0, dot)
      const [tenant, source, ...rest] = (options.source ?? '').split('/')
      if (tenant === undefined || source === undefined || rest.length > 0) {
        throw usage(`--source '${options.source}' is not in the form TENANT/SOURCE`)
      }
      if (options.badSignature === true && options.stale === true) {
        throw usage('--bad-signature and --stale exclude each other')
      }
      const api = await client()
      const flaw = options.badSignature ? 'bad-signature' : options.stale ? 'stale' : undefined
      const sign = (): Promise<SignedRequest> =>
        api.request('POST', '/v1/sign', {
          provider,
          tenant,
          source,
          ...(dot === -1 ? {} : { event: what.slice(dot + 1) }),
          ...(flaw === undefined ? {} : { flaw }),
        })

      const total = options.burst ?? 1
      const bar = progress(streams, quiet)
      const answers: Answer[] = []
      let started = 0
      const worker = async (): Promise<void> => {
        while (started < total) {
          started += 1
          const request = await sign()
          answers.push(await deliver(request))
          if (options.duplicate === true) answers.push(await deliver(request))
          bar.update(`${answers.length}/${total * (options.duplicate === true ? 2 : 1)}`)
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
