import type { ReplayContext } from './context.ts'
import { type DeadCursor, deadStep } from './dead-steps.ts'
import { eventStep } from './event-steps.ts'
import { scratchClaims } from './scratch.ts'
import {
  addProgress,
  type Caller,
  noProgress,
  type PlannedEvent,
  type ReplayPlan,
  type ReplaySpec,
} from './types.ts'

/** Events or letters that a plan looks at in full. */
const mostExamined = 1_000
const sampleSize = 20
const stepSize = 100

/** Takes the first of the selection through everything but the writing. */
export const examine = async (
  context: ReplayContext,
  spec: ReplaySpec,
  { name: by, tenant }: Caller,
  beginning: DeadCursor | undefined,
): Promise<Omit<ReplayPlan, 'candidates' | 'unstored'>> => {
  const stages = context.stagesOver(scratchClaims(context.now))
  const sample: PlannedEvent[] = []
  const common = {
    context: { ...context, metrics: undefined },
    ...{ stages, by, run: 'plan', limit: stepSize },
    signal: new AbortController().signal,
    ...(tenant === undefined ? {} : { tenant }),
  }
  let progress = noProgress
  let cursor: unknown = beginning
  for (let over = false; !over && progress.seen < mostExamined; ) {
    const step =
      spec.kind === 'events'
        ? await eventStep({
            ...common,
            ...{ spec, cursor },
            onPassed: ({ position: _, ...event }, { dispatches }) => {
              if (sample.length < sampleSize && dispatches.length > 0)
                sample.push({ ...event, to: dispatches.map(({ destination }) => destination) })
            },
          })
        : await deadStep({
            ...common,
            ...{ spec, cursor: cursor as DeadCursor },
            onSent: (event) => {
              if (sample.length < sampleSize) sample.push(event)
            },
          })
    progress = addProgress(progress, step.progress)
    cursor = step.cursor
    over = step.over
  }
  const { seen, ...rest } = progress
  return { examined: seen, ...rest, sample }
}
