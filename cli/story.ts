import type {
  EventSummary,
  Story,
  StoryAttempt,
  StoryDecision,
  StoryDispatch,
} from '../core/decisions/story.ts'
import { liveRun } from '../core/event/index.ts'
import type { Column } from './output.ts'

export const columns: readonly Column<EventSummary>[] = [
  { title: 'id', value: (e) => e.id },
  { title: 'received', value: (e) => e.receivedAt },
  { title: 'source', value: (e) => `${e.tenant}/${e.source}` },
  { title: 'type', value: (e) => e.type },
  { title: 'status', value: (e) => e.status },
]

const detail = (details: Readonly<Record<string, unknown>>): string =>
  Object.entries(details)
    .map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      return `${name}=${text}`
    })
    .join(' ')

const clip = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`

const clock = (at: string): string => at.slice(11, 23)

/** Which replay it is of; empty where it is of none. */
const replayOf = ({ run }: { run: string }): string => (run === liveRun ? '' : `replay ${run}`)

const decisionLine = (made: StoryDecision): string => {
  const what = [
    made.stage.padEnd(8),
    `${made.verdict}: ${made.reason}`,
    made.score === undefined ? '' : `score ${made.score.toFixed(2)}`,
    made.destination === undefined ? '' : `→ ${made.destination}`,
    made.route === undefined ? '' : `by route ${made.route}`,
    made.attempt === undefined ? '' : `attempt ${made.attempt}`,
    replayOf(made),
  ].filter((part) => part !== '')
  const why = clip(detail(made.details), 160)
  return `  ${clock(made.at)}  ${what.join('  ')}${why === '' ? '' : `\n${' '.repeat(16)}${why}`}`
}

const attemptLine = (attempt: StoryAttempt): string => {
  const parts = [
    `attempt ${attempt.attempt}`,
    attempt.outcome,
    attempt.status === null ? '' : `HTTP ${attempt.status}`,
    `${attempt.tookMs.toFixed(1)} ms`,
    attempt.externalId === undefined ? '' : `as ${attempt.externalId}`,
    attempt.possibleDuplicate ? 'possible duplicate' : '',
    attempt.error ?? '',
  ].filter((part) => part !== '')
  return `    ${clock(attempt.at)}  ${parts.join(', ')}`
}

const dispatchLine = (dispatch: StoryDispatch): string => {
  const replay = replayOf(dispatch)
  return `  ${dispatch.destination}: ${dispatch.status} (${dispatch.id})${replay === '' ? '' : `  ${replay}`}`
}

/** The whole story of one event, for a person to read from top to bottom. */
export const tellStory = (story: Story): string => {
  const head = [
    `event     ${story.id}`,
    `source    ${story.tenant}/${story.source}${story.provider === undefined ? '' : ` (${story.provider})`}`,
    `type      ${story.type}`,
    `received  ${story.receivedAt}${story.size === undefined ? '' : `, ${story.size} bytes`}`,
    story.deliveryId === undefined ? '' : `delivery  ${story.deliveryId}`,
    `status    ${story.status}`,
  ].filter((line) => line !== '')
  const dispatches = story.dispatches.flatMap((dispatch) => [
    dispatchLine(dispatch),
    ...dispatch.attempts.map(attemptLine),
  ])
  return `${[
    ...head,
    '',
    'decisions',
    ...story.decisions.map(decisionLine),
    ...(dispatches.length === 0 ? [] : ['', 'deliveries', ...dispatches]),
  ].join('\n')}\n`
}

/** One line: verified → unique → … → delivered. */
export const storyLine = (story: Story): string =>
  story.decisions
    .map(({ stage, verdict, reason, score, destination }) => {
      if (stage === 'ingress') return 'verified'
      if (stage === 'score' && score !== undefined) return `scored ${score.toFixed(2)}`
      if (verdict === 'dispatch') return `routed to ${destination ?? ''}`
      if (verdict === 'delivered') return `delivered to ${destination ?? ''}`
      return `${stage} ${reason}`
    })
    .join(' → ')
