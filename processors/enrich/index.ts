import { z } from 'zod'
import type { ComponentSpec } from '../../core/config/component.ts'
import { type Event, withFacts } from '../../core/event/index.ts'
import type { Snapshot } from '../../core/registry/types.ts'
import type { Outcome, Stage, StageContext } from '../../core/stage/types.ts'
import type { Mapping } from './mapping.ts'
import { generic, mappings } from './mappings/index.ts'
import { compileMapping, type Normaliser } from './normalise.ts'

export { categories, type Facts, severities, statuses } from './facts.ts'
export type { Mapping } from './mapping.ts'
export { mappings } from './mappings/index.ts'

export const enrichSpec: ComponentSpec<Record<string, never>> = {
  name: 'enrich',
  kind: 'stage',
  summary: 'Says of every event the same facts in the same words, whoever sent it',
  status: 'stable',
  config: z.strictObject({}),
  reasons: {
    normalised: "The provider's own mapping was used",
    generic: 'No mapping fits: common field names were tried',
    unparsed: 'The body is neither JSON nor a form; only the type is known',
  },
  examples: [
    {
      title: 'Conditions name facts, not fields of one provider',
      yaml: 'routes:\n  - name: broken\n    when: facts.status == "failed" && facts.severity == "high"\n    to: [oncall]\n',
    },
  ],
}

export interface EnrichOptions {
  mappings?: readonly Mapping[]
}

export const createEnrich = (
  { registry, hash }: StageContext,
  options: EnrichOptions = {},
): Stage => {
  const choose = createChooser(options.mappings ?? mappings)
  return {
    name: 'enrich',
    async process(items) {
      const snapshot = registry()
      return items.map(({ event }): Outcome => {
        const normaliser = choose(event, snapshot)
        const facts = normaliser.factsOf(event, hash)
        const reason =
          event.data === undefined
            ? 'unparsed'
            : normaliser.provider === generic.provider
              ? 'generic'
              : 'normalised'
        const { severity, category, status, kind, fingerprint } = facts
        return {
          kind: 'emit',
          event: withFacts(event, { ...event.facts, ...facts }),
          decisions: [
            {
              verdict: 'pass',
              reason,
              details: {
                mapping: normaliser.provider,
                kind,
                severity,
                category,
                status,
                fingerprint,
              },
            },
          ],
        }
      })
    },
  }
}

/** Whose mapping: the verified preset's, else the source's name if the body bears it out, else who it looks like. */
const createChooser = (known: readonly Mapping[]) => {
  const normalisers = known.map(compileMapping)
  const byProvider = new Map(normalisers.map((each) => [each.provider, each]))
  const fallback = compileMapping(generic)
  return (event: Event, snapshot: Snapshot): Normaliser => {
    const configured = snapshot.source(event.tenant, event.source)?.provider
    const verified = byProvider.get(event.provider) ?? byProvider.get(configured ?? '')
    if (verified !== undefined) return verified
    const named = byProvider.get(event.source)
    if (named?.recognises(event)) return named
    return normalisers.find((each) => each.recognises(event)) ?? fallback
  }
}
