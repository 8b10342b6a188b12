import { Command } from 'commander'
import type { AuditLine } from '../../api/audit.ts'
import { ZenhookError } from '../../core/errors/index.ts'
import { codeOfPage } from '../../core/errors/problem.ts'
import { contextOf, withInstance } from '../context.ts'
import { listing, progress, single } from '../output.ts'
import { Negative } from '../run.ts'
import { sourceOf } from '../source.ts'

interface Filters {
  tenant?: string
  source?: string
  since?: string
  until?: string
}

type Report = Extract<AuditLine, { kind: 'report' }>['report']
type Unaccounted = Extract<AuditLine, { kind: 'unaccounted' }>['event']

interface Answer extends Omit<Report, 'unaccounted'> {
  unaccounted: readonly Unaccounted[]
}

const counted = ({ events, ended, open, unaccounted, gaps, behind }: Answer): string => {
  const rows = [
    ['events', events],
    ...Object.entries(ended),
    ...Object.entries(open),
    ['unaccounted', unaccounted.length],
  ]
  const missed = gaps.map(
    ({ topic, partition, offset, until }) =>
      `gone from the log unseen: ${topic}/${partition}, offsets ${offset} to ${until - 1}\n`,
  )
  return [
    ...rows.map(([name, count]) => `${String(name).padEnd(12)} ${count}\n`),
    ...missed,
    behind === undefined
      ? ''
      : `some are pending for ${behind.group} is behind on ${behind.topic}: ask again later\n`,
  ].join('')
}

const described = (answer: Answer, wide: boolean): string => {
  if (answer.unaccounted.length === 0) return counted(answer)
  const named = listing(
    answer.unaccounted,
    [
      { title: 'unaccounted', value: (event) => event.id },
      { title: 'received', value: (event) => event.receivedAt },
      { title: 'source', value: (event) => `${event.tenant}/${event.source}` },
      { title: 'cause', value: (event) => event.cause },
      { title: 'dispatches', value: (event) => event.dispatches.join(', '), wide: true },
      {
        title: 'position',
        value: ({ position }) => `${position.topic}/${position.partition}/${position.offset}`,
        wide: true,
      },
    ],
    wide ? 'wide' : 'table',
  )
  return `${counted(answer)}\n${named}`
}

export const auditCommand = (): Command =>
  withInstance(new Command('audit'))
    .description(
      'account for every accepted event: counts per state, and each that is unaccounted for; exit 1 if any is',
    )
    .option('--since <time>', 'received at or after: RFC 3339, or an age such as 10m')
    .option('--until <time>', 'received before: RFC 3339, or an age such as 10m')
    .option('--tenant <name>', 'only events of this tenant')
    .option('--source <name>', 'only events of this source (TENANT/SOURCE, or a name)')
    .action(async ({ since, until, tenant, source }: Filters, command: Command) => {
      const { client, streams, format, quiet } = contextOf(command)
      const query = new URLSearchParams()
      for (const [name, value] of Object.entries({ since, until, ...sourceOf({ tenant, source }) }))
        if (value !== undefined) query.set(name, value)
      const drawn = progress(streams, quiet)
      const unaccounted: Unaccounted[] = []
      let report: Report | undefined
      for await (const line of (await client()).lines<AuditLine>(`/v1/audit?${query}`)) {
        if (line.kind === 'progress') {
          const share = line.of === 0 ? 100 : Math.floor((100 * line.read) / line.of)
          drawn.update(
            `${line.read} of ${line.of} records (${share} %), ${unaccounted.length} unaccounted`,
          )
        } else if (line.kind === 'unaccounted') unaccounted.push(line.event)
        else if (line.kind === 'report') report = line.report
        else {
          drawn.done()
          throw new ZenhookError(codeOfPage(line.code) ?? 'ZENHOOK_CLI_REFUSED', {
            message: line.message,
          })
        }
      }
      drawn.done()
      if (report === undefined)
        throw new ZenhookError('ZENHOOK_CLI_REFUSED', {
          message: 'The answer ended before the report: the instance went away',
          fix: 'Ask again once it is back',
        })
      const answer: Answer = { ...report, unaccounted }
      streams.out(single(answer, (each) => described(each, format === 'wide'), format))
      if (unaccounted.length > 0) throw new Negative()
    })
