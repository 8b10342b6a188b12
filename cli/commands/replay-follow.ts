import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import type { ShownPlan, ShownReplay } from '../../api/replays.ts'
import type { Client } from '../client.ts'
import { type Context, wholeNumber } from '../context.ts'
import { progress, single, table } from '../output.ts'
import { Negative } from '../run.ts'

/** What the commands that make replays have in common. */
export interface MakeOptions {
  rate?: number
  force?: boolean
  dryRun?: boolean
  detach?: boolean
}

export const withMaking = (command: Command): Command =>
  command
    .addOption(
      new Option('--rate <n>', 'at most so many a second').argParser(wholeNumber(1, 10_000)),
    )
    .option('--force', 'also to destinations that have it; recorded with who said so')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--detach', 'do not wait for its end')

const lookEveryMs = 500
const ended: ReadonlySet<string> = new Set(['done', 'cancelled', 'failed'])

const counted = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, n]) => `${n} ${name.replaceAll('_', ' ')}`)
    .join(', ')

const nothing = (text: string): string => (text === '' ? 'none' : text)

/** Ids that cannot be replayed, for a person; all of them stand in the JSON. */
const missingLines = ({ missing, missingIds }: { missing: number; missingIds: string[] }) => {
  if (missing === 0) return []
  const shown = missingIds.slice(0, 20)
  const rest = missing - shown.length
  return [
    `missing     ${missing}: not retained any more, or unknown`,
    ...shown.map((id) => `            ${id}`),
    ...(rest > 0 ? [`            and ${rest} more`] : []),
  ]
}

const unstoredLine = (unstored: number): string[] =>
  unstored === 0
    ? []
    : [`unstored    ${unstored} events wait for the tables and were not looked at`]

export const tellReplay = (replay: ShownReplay): string => {
  const { progress: made, outcomes } = replay
  return `${[
    `replay      ${replay.id}`,
    `state       ${replay.state}${replay.error === undefined ? '' : `: ${replay.error}`}`,
    `by          ${replay.by} at ${replay.createdAt}`,
    `looked at   ${made.seen} of ${replay.candidates}`,
    `replayed    ${made.replayed}, as ${made.dispatched} dispatches`,
    `skipped     ${nothing(counted(made.skipped))}`,
    ...(made.died === 0 ? [] : [`died        ${made.died} in a stage, again`]),
    ...missingLines(made),
    ...unstoredLine(replay.unstored),
    ...(outcomes === undefined ? [] : [`became      ${nothing(counted(outcomes))}`]),
  ].join('\n')}\n`
}

const tellPlan = (plan: ShownPlan): string => {
  const { sample, examined, candidates } = plan
  const part = examined < candidates ? ` (of the first ${examined})` : ''
  return `${[
    `would look at   ${candidates}`,
    `would replay    ${plan.replayed}${part}, as ${plan.dispatched} dispatches`,
    `would skip      ${nothing(counted(plan.skipped))}${part}`,
    ...(plan.died === 0 ? [] : [`would die       ${plan.died} in a stage`]),
    ...missingLines(plan),
    ...unstoredLine(plan.unstored),
  ].join('\n')}\n${
    sample.length === 0
      ? ''
      : `\n${table(sample, [
          { title: 'id', value: (event) => event.id },
          { title: 'received', value: (event) => event.receivedAt },
          { title: 'source', value: (event) => `${event.tenant}/${event.source}` },
          { title: 'type', value: (event) => event.type },
          { title: 'to', value: (event) => event.to.join(', ') },
        ])}`
  }`
}

const barWidth = 24

const bar = ({
  progress: { seen, replayed, skipped, missing },
  candidates,
}: ShownReplay): string => {
  const share = candidates === 0 ? 1 : Math.min(1, seen / candidates)
  const full = Math.round(share * barWidth)
  const passed = Object.values(skipped).reduce((sum, n) => sum + n, 0)
  return `${'█'.repeat(full)}${'░'.repeat(barWidth - full)} ${seen}/${candidates}  ${replayed} replayed, ${passed} skipped, ${missing} missing`
}

/** Follows a replay to its end, or to where somebody holds it. */
const follow = async (
  client: Client,
  { streams, quiet }: Context,
  id: string,
): Promise<ShownReplay> => {
  const drawn = progress(streams, quiet)
  for (;;) {
    const replay = await client.request<ShownReplay>('GET', `/v1/replays/${id}`)
    if (ended.has(replay.state) || replay.state === 'paused') {
      drawn.done()
      return replay
    }
    drawn.update(`${bar(replay)}  (Ctrl-C leaves it running)`)
    await sleep(lookEveryMs)
  }
}

/** Nothing failed, nothing is missing, and it came to its end. */
const succeeded = ({ state, progress: { died, missing } }: ShownReplay): boolean =>
  state === 'done' && died === 0 && missing === 0

/** Asks for a replay, and tells what would be done, that it runs, or what it came to. */
export const make = async (
  context: Context,
  path: string,
  body: object,
  { rate, force, dryRun, detach }: MakeOptions,
): Promise<void> => {
  const { client, streams, format } = context
  const api = await client()
  const made = await api.request<ShownReplay | ShownPlan>('POST', path, {
    ...body,
    ...(rate === undefined ? {} : { rate }),
    ...(force === undefined ? {} : { force }),
    ...(dryRun === undefined ? {} : { dryRun }),
  })
  if ('dryRun' in made) return streams.out(single(made, tellPlan, format))
  const replay = detach === true ? made : await follow(api, context, made.id)
  streams.out(single(replay, tellReplay, format))
  if (detach !== true && !succeeded(replay)) throw new Negative()
}
