import { cpus, totalmem } from 'node:os'
import type { Length } from './plan.ts'
import { type RowResult, sums, tableOf } from './table.ts'

/** What the figures were taken on. */
export const conditionsOf = ({
  length,
  share,
  startedAt,
}: {
  length: Length
  share: number
  startedAt: number
}): string => {
  const [cpu] = cpus()
  const minutes = Math.round((Date.now() - startedAt) / 60_000)
  return [
    `Length \`${length}\`${share < 1 ? ` with ${share} of its loads` : ''}`,
    `${new Date(startedAt).toISOString().slice(0, 10)}, ${minutes} minutes`,
    `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Node.js ${process.versions.node}`,
    'Apache Kafka of three nodes (RF 3, min.isr 2), Redis, schema registry, ClickHouse (chdb behind its HTTP interface), generator, sink and checker on the same machine',
  ].join('; ')
}

export const summaryOf = (results: readonly RowResult[]): string => {
  const count = (state: RowResult['state']): number =>
    results.filter((row) => row.state === state).length
  const { sent, acknowledged, lost, duplicates } = sums([
    ...new Set(results.flatMap(({ records }) => records)),
  ])
  return (
    `${count('holds')} rows hold, ${count('broken')} broken, ${count('missing')} missing, ` +
    `${count('waits')} wait. On the rig: ${sent} requests sent, ${acknowledged} answered 2xx, ` +
    `${lost} lost, ${duplicates} deliveries repeated under the same webhook-id.`
  )
}

/** `docs/faults.md` */
export const pageOf = (length: Length, conditions: string, results: readonly RowResult[]): string =>
  `# Faults

What was done to the whole product on real servers, and what became of every event. Written by
\`npm run test:faults -- --length ${length} --table FILE\`; change the rows in \`test/faults\` instead.

${conditions}.

${summaryOf(results)}

A row *holds* when, after healing and draining, every event answered 2xx is in the log and nothing refused is; each has
exactly one end per destination and one decision; order, offsets and bytes are right; and whatever came to a destination twice
came under the same \`webhook-id\` and is flagged. *dup* counts deliveries that a receiver without idempotency acts on again.
A row with *cases* is shown by tests beside the code, named by its number.

${tableOf(results)}
`
