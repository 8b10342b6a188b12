import { describe, expect, it } from 'vitest'
import type { ComponentSpec } from '../core/config/component.ts'
import type { Item, Outcome, Stage } from '../core/stage/types.ts'

/** What a stage brings so that the suite can hold it to the promises of `core/stage/types.ts`. */
export interface StageHarness {
  spec: ComponentSpec<Record<string, never>>
  /** A stage with a state and a registry of its own. */
  create(): Stage
  /** Items that lead to every reason that needs no fault. */
  items(): readonly Item[]
  /** Reasons that `items` does not lead to, with why. */
  unreached?: Readonly<Record<string, string>>
}

const isJson = (value: unknown): boolean =>
  value === null ||
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && Number.isFinite(value)) ||
  (typeof value === 'object' && Object.values(value).every(isJson))

/** Every promise that these outcomes break; empty when they keep all. */
export const brokenPromises = (
  spec: ComponentSpec<Record<string, never>>,
  items: readonly Item[],
  outcomes: readonly Outcome[],
): readonly string[] => {
  const broken: string[] = []
  if (outcomes.length !== items.length)
    broken.push(`${outcomes.length} outcomes for ${items.length} items`)
  for (const [index, outcome] of outcomes.entries()) {
    const say = (fault: string): number => broken.push(`outcome ${index}: ${fault}`)
    const { decisions } = outcome
    if (decisions.length === 0) say('gives no decision')
    for (const { reason, details } of decisions) {
      if (!Object.hasOwn(spec.reasons, reason)) say(`the reason ${reason} is not declared`)
      if (!isJson(details)) say('has details that are no JSON')
    }
    const ids = decisions.map(({ dispatchId, attempt }) => `${dispatchId ?? ''} ${attempt ?? 0}`)
    if (new Set(ids).size !== ids.length) say('has decisions that would share one id')
    if (outcome.kind === 'emit') {
      if (outcome.event.id !== items[index]?.event.id) say('hands on another event')
      if (decisions.some(({ verdict }) => verdict !== 'pass')) say('passes without saying so')
    }
    if (outcome.kind === 'drop') {
      if (!Object.hasOwn(spec.reasons, outcome.reason))
        say(`the reason ${outcome.reason} is not declared`)
      if (decisions.some(({ verdict }) => verdict !== 'drop')) say('drops without saying so')
    }
    if (outcome.kind === 'dispatch') {
      const told = decisions.filter(({ verdict }) => verdict === 'dispatch')
      if (outcome.dispatches.length === 0) say('dispatches nothing')
      if (
        told.map(({ dispatchId }) => dispatchId).join() !==
        outcome.dispatches.map(({ id }) => id).join()
      )
        say('does not give one decision per dispatch')
    }
  }
  return broken
}

const frozen = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  for (const member of Object.values(value)) frozen(member)
  return Object.freeze(value)
}

export const stageContract = (name: string, harness: StageHarness): void => {
  const { spec } = harness
  const { signal } = new AbortController()
  const run = (items: readonly Item[]): Promise<readonly Outcome[]> =>
    harness.create().process(items, signal)
  const plain = (outcomes: readonly Outcome[]): unknown => JSON.parse(JSON.stringify(outcomes))

  describe(`stage contract: ${name}`, () => {
    it('keeps its promises about outcomes and decisions', async () => {
      const items = harness.items()
      expect(items.length).toBeGreaterThan(0)
      expect(brokenPromises(spec, items, await run(items))).toEqual([])
    })

    it('can give every reason that it declares', async () => {
      const outcomes = await run(harness.items())
      const given = outcomes.flatMap(({ decisions }) => decisions.map(({ reason }) => reason))
      const expected = Object.keys(spec.reasons).filter(
        (reason) => harness.unreached?.[reason] === undefined,
      )
      expect([...new Set(given)].sort()).toEqual(expected.sort())
    })

    it('gives the same outcomes for the same items', async () => {
      expect(plain(await run(harness.items()))).toEqual(plain(await run(harness.items())))
    })

    it('decides index by index: a batch is as its items one by one', async () => {
      const stage = harness.create()
      const single: Outcome[] = []
      for (const item of harness.items()) single.push(...(await stage.process([item], signal)))
      expect(plain(single)).toEqual(plain(await run(harness.items())))
    })

    it('changes nothing that it is given', async () => {
      const items = harness.items().map(frozen)
      await expect(run(items)).resolves.toHaveLength(items.length)
    })

    it('takes an empty batch', async () => {
      await expect(run([])).resolves.toEqual([])
    })

    it('declares itself', () => {
      expect(spec.kind).toBe('stage')
      expect(spec.name).toBe(harness.create().name)
      expect(spec.name).toMatch(/^[a-z][a-z0-9-]*$/)
      for (const [reason, meaning] of Object.entries(spec.reasons)) {
        expect(reason).toMatch(/^[a-z][a-z0-9_]*$/)
        expect(meaning.length).toBeGreaterThan(10)
      }
      expect(spec.examples.length).toBeGreaterThan(0)
      expect(spec.config.parse({})).toEqual({})
    })
  })
}
