import type { ComponentSpec } from '../core/config/component.ts'
import type { Stage, StageContext } from '../core/stage/types.ts'
import { createDedupe, dedupeSpec } from './dedupe/index.ts'
import { createEnrich, enrichSpec } from './enrich/index.ts'
import { createRoute, routeSpec } from './route/index.ts'
import { createScore, type ScoreOptions, scoreSpec } from './score/index.ts'

export { createDedupe, dedupeSpec } from './dedupe/index.ts'
export { createEnrich, enrichSpec } from './enrich/index.ts'
export { createRoute, routeSpec } from './route/index.ts'
export { createScore, type ScoreOptions, type Scorer, scoreSpec } from './score/index.ts'

export interface StageComponent {
  spec: ComponentSpec<Record<string, never>>
  create(context: StageContext): Stage
}

/** The chain, in order: one line per stage. */
export const stageComponents: readonly StageComponent[] = [
  { spec: dedupeSpec, create: createDedupe },
  { spec: enrichSpec, create: (context) => createEnrich(context) },
  { spec: scoreSpec, create: (context) => createScore(context) },
  { spec: routeSpec, create: createRoute },
]

export interface StageOptions {
  score?: ScoreOptions
}

/** All stages of the chain over one context, as the runner takes them. */
export const createStages = (
  context: StageContext,
  options: StageOptions = {},
): readonly Stage[] => [
  createDedupe(context),
  createEnrich(context),
  createScore(context, options.score),
  createRoute(context),
]
