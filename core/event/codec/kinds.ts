import type { RecordKind } from './index.ts'

/** Which topics carry which kind, by logical name; each has its own subject in a registry. */
export const kindTopics: Readonly<Record<RecordKind, readonly [string, ...string[]]>> = {
  event: ['received', 'unique', 'enriched', 'scored'],
  dispatch: [
    'dispatch',
    'dispatch.retry.5s',
    'dispatch.retry.1m',
    'dispatch.retry.10m',
    'dispatch.retry.1h',
    'dispatch.retry.6h',
  ],
  decisions: ['decisions'],
  dead: ['dead'],
  registry: ['registry'],
}

export const recordKinds: readonly RecordKind[] = [
  'event',
  'dispatch',
  'decisions',
  'dead',
  'registry',
]
