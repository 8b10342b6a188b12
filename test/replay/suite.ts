import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { DeadCause, DeadLetter } from '../../api/dead.ts'
import type { ShownPlan, ShownReplay } from '../../api/replays.ts'
import type { Engines } from '../e2e/rig.ts'
import { answerOf, createReplayRig, patiently, type ReplayRig, replayOf } from './rig.ts'

/** Replays and dead letters of a whole instance, by its command line, over one set of engines. */
export const replaySuite = (name: string, engines: () => Promise<Engines>): void => {
  describe(`replay over ${name}`, { timeout: 180_000 }, () => {
    let rig: ReplayRig
    beforeAll(async () => {
      rig = await createReplayRig(await engines())
    }, 120_000)
    afterAll(() => rig.close(), 60_000)
    beforeEach(() => {
      rig.hooks.fault = undefined
      for (const receiver of [rig.hooks, rig.other]) receiver.arrivals.length = 0
    })
    const sent = async (count: number): Promise<readonly string[]> => {
      const ids = await rig.send(count)
      await rig.ended(ids, 'delivered')
      return ids
    }
    const idsAt = (receiver: ReplayRig['hooks']) =>
      receiver.arrivals.map(({ headers }) => headers['webhook-id'])

    it('sends nothing to a destination that has it, and says so', async () => {
      const ids = await sent(3)
      const outcome = await rig.cli('replay', ...ids, '-o', 'json')
      expect(outcome).toMatchObject({ code: 0, err: '' })
      expect(replayOf(outcome)).toMatchObject({
        state: 'done',
        by: 'admin',
        candidates: 3,
        progress: { seen: 3, replayed: 0, skipped: { already_delivered: 3 }, missing: 0 },
      })
      expect(rig.hooks.arrivals.length).toBe(3)
      for (const id of ids) expect((await rig.story(id)).status).toBe('delivered')
    })

    it('forced, sends the bytes as they came, under the same id, marked', async () => {
      const [id = ''] = await sent(1)
      const outcome = await rig.cli('replay', id, '--force', '-o', 'json')
      expect(outcome.code).toBe(0)
      const replay = replayOf(outcome)
      await patiently(() => rig.hooks.arrivals.length === 2 || undefined, 'the second arrival')
      const [first, second] = rig.hooks.arrivals
      expect(first?.digest).toBe(rig.digest(id))
      expect(second?.digest).toBe(rig.digest(id))
      expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
      expect(second?.headers['content-type']).toBe(first?.headers['content-type'])
      expect(first?.headers['zenhook-replay']).toBeUndefined()
      expect(second?.headers['zenhook-replay']).toBe(replay.id)
      const told = await patiently(async () => {
        const { decisions } = await rig.story(id)
        const mine = decisions.filter(({ run }) => run === replay.id)
        return mine.some(({ stage }) => stage === 'deliver') ? mine : undefined
      }, 'the decisions of the replay')
      expect(told.map(({ stage }) => stage)).toEqual(
        expect.arrayContaining(['replay', 'dedupe', 'enrich', 'score', 'route', 'deliver']),
      )
      expect(told.find(({ stage }) => stage === 'replay')?.details).toMatchObject({
        ...{ by: 'admin', from: 'start', force: true },
      })
      const explained = await rig.cli('explain', id)
      expect(explained.out).toContain(`replay ${replay.id}`)
    })

    it.each(['start', 'enrich', 'score', 'route', 'deliver'])(
      'from %s makes one dispatch as the first run did',
      async (from) => {
        const [id = ''] = await sent(1)
        const outcome = await rig.cli('replay', id, '--from', from, '--force', '-o', 'json')
        expect(replayOf(outcome).progress).toMatchObject({ replayed: 1, dispatched: 1 })
        await patiently(() => rig.hooks.arrivals.length === 2 || undefined, 'the second arrival')
        expect(new Set(idsAt(rig.hooks)).size).toBe(1)
        expect(rig.hooks.arrivals[1]?.digest).toBe(rig.digest(id))
      },
    )

    it('straight to one destination, whatever the routes say, once', async () => {
      const ids = await sent(2)
      for (let round = 0; round < 2; round += 1) {
        const outcome = await rig.cli('replay', ...ids, '--to', 'other', '-o', 'json')
        expect(outcome.code).toBe(0)
        await patiently(() => rig.other.arrivals.length === 2 || undefined, 'both arrivals')
        const { outcomes } = await patiently(async () => {
          const found = await rig.job(replayOf(outcome).id)
          return found.outcomes?.delivered === 2 ? found : undefined
        }, 'the outcomes')
        expect(outcomes).toEqual({ delivered: 2 })
      }
      expect(new Set(rig.other.arrivals.map((each) => each.digest))).toEqual(
        new Set(ids.map(rig.digest)),
      )
      expect(rig.hooks.arrivals.length).toBe(2)
    })

    it('says what it would do, and does nothing', async () => {
      const since = new Date(Date.now()).toISOString()
      const ids = await sent(3)
      const filter = ['--source', 'acme/github', '--since', since]
      const straight = await rig.cli(
        'replay',
        ...filter,
        '--to',
        'other',
        '--dry-run',
        '-o',
        'json',
      )
      const plan = answerOf<ShownPlan>(straight)
      expect(plan).toMatchObject({ dryRun: true, candidates: 3, examined: 3, replayed: 3 })
      expect(plan.sample.map(({ id }) => id).sort()).toEqual([...ids].sort())
      expect(plan.sample[0]?.to).toEqual(['other'])
      const text = await rig.cli('replay', ...filter, '--dry-run')
      expect(text.out).toMatch(
        /^would look at {3}3\nwould replay {4}0.*\nwould skip {6}3 already del/,
      )
      const known = answerOf<unknown[]>(await rig.cli('replay', 'list', '-o', 'json')).length
      expect(answerOf<unknown[]>(await rig.cli('replay', 'list', '-o', 'json')).length).toBe(known)
      expect(rig.other.arrivals).toEqual([])
      expect(rig.hooks.arrivals.length).toBe(3)
    })

    it('keeps duplicates duplicates, and names ids that are not there', async () => {
      const [first = ''] = await sent(1)
      const unknown = '01a20cd4-f8c2-72d1-8e6a-000000000000'
      const outcome = await rig.cli('replay', first, unknown, '--force', '-o', 'json')
      expect(outcome.code).toBe(1)
      expect(replayOf(outcome)).toMatchObject({
        state: 'done',
        progress: { replayed: 1, missing: 1, missingIds: [unknown] },
      })
    })

    it('keeps its rate, is held, goes on, and ends when it is told', async () => {
      const since = new Date(Date.now()).toISOString()
      await sent(40)
      rig.hooks.arrivals.length = 0
      const args = [
        '--source',
        'acme/github',
        '--since',
        since,
        '--force',
        '--detach',
        '-o',
        'json',
      ]
      const startedAt = Date.now()
      const { id } = replayOf(await rig.cli('replay', ...args, '--rate', '10'))
      await patiently(() => rig.hooks.arrivals.length >= 3 || undefined, 'the first arrivals')
      const paused = replayOf(await rig.cli('replay', 'pause', id, '-o', 'json'))
      expect(paused.state).toBe('paused')
      const held = await patiently(async () => {
        const before = (await rig.job(id)).progress.replayed
        await new Promise((resolve) => setTimeout(resolve, 1_500))
        return (await rig.job(id)).progress.replayed === before ? before : undefined
      }, 'a standstill')
      expect(held).toBeLessThan(40)
      const resumedAt = Date.now()
      expect((await rig.cli('replay', 'resume', id)).code).toBe(0)
      const done = await rig.until(id, 'done')
      const tookMs = Date.now() - resumedAt
      expect(done.progress).toMatchObject({ seen: 40, replayed: 40 })
      // 10 a second: not faster than that by more than the step under way, and not slower for long.
      expect(tookMs).toBeGreaterThan(((40 - held) / 10) * 1000 * 0.6 - 1_000)
      expect(tookMs).toBeLessThan(((40 - held) / 10) * 1000 * 4 + 15_000)
      await patiently(() => rig.hooks.arrivals.length === 40 || undefined, 'all arrivals')
      const span = (rig.hooks.arrivals.at(-1)?.at ?? 0) - startedAt
      expect(span).toBeGreaterThan(3_000)

      const other = replayOf(await rig.cli('replay', ...args, '--rate', '2'))
      await patiently(
        async () => (await rig.job(other.id)).progress.replayed > 0 || undefined,
        'a beginning',
      )
      expect((await rig.cli('replay', 'cancel', other.id)).code).toBe(0)
      const cancelled = await rig.until(other.id, 'cancelled')
      expect(cancelled.progress.replayed).toBeLessThan(40)
      const again = await rig.cli('replay', 'resume', other.id)
      expect(again.code).toBe(1)
      expect(again.err).toContain('ZENHOOK_REPLAY_STATE')
      const listed = answerOf<{ id: string }[]>(await rig.cli('replay', 'list', '-o', 'json'))
      expect(listed.slice(0, 2).map((each) => each.id)).toEqual([other.id, id])
      expect((await rig.cli('replay', 'get', 'rpl_none')).err).toContain('ZENHOOK_REPLAY_NOT_FOUND')
    })

    it('goes on after kill -9 in the middle, and doubles nothing', async () => {
      const since = new Date(Date.now()).toISOString()
      const ids = await sent(40)
      rig.hooks.arrivals.length = 0
      const filter = ['--source', 'acme/github', '--since', since]
      const { id } = replayOf(
        await rig.cli('replay', ...filter, '--force', '--rate', '20', '--detach', '-o', 'json'),
      )
      await patiently(() => rig.hooks.arrivals.length >= 5 || undefined, 'the first arrivals')
      await rig.killAndStart()
      const done = await rig.until(id, 'done')
      expect(done.progress.seen).toBe(40)
      await patiently(() => new Set(idsAt(rig.hooks)).size === 40 || undefined, 'all arrivals')
      for (const event of ids) {
        const ends = await patiently(async () => {
          const { decisions } = await rig.story(event)
          const mine = decisions.filter(({ run, stage }) => run === id && stage === 'deliver')
          return mine.length > 0 ? mine : undefined
        }, `the end of ${event}`)
        expect(ends.filter(({ verdict }) => verdict === 'delivered').length).toBe(1)
      }
      // One effect per id for a receiver that honours it; a second arrival is one that the kill cut off.
      const counts = new Map<string, number>()
      for (const each of idsAt(rig.hooks)) counts.set(each ?? '', (counts.get(each ?? '') ?? 0) + 1)
      const twice = [...counts].filter(([, n]) => n > 1)
      expect(rig.hooks.arrivals.length).toBe(40 + twice.length)
      const flagged = rig.running().api<{ rows: { n: number }[] }>('POST', '/v1/decisions/query', {
        sql: `SELECT count() AS n FROM attempts WHERE run = '${id}' AND possible_duplicate`,
      })
      expect(Number((await flagged).rows[0]?.n)).toBeGreaterThanOrEqual(twice.length)
    })

    describe('dead letters', () => {
      const die = async (count: number): Promise<readonly string[]> => {
        rig.hooks.fault = { status: 400 }
        const ids = await rig.send(count)
        await rig.ended(ids, 'dead')
        rig.hooks.fault = undefined
        return ids
      }
      const open = async (state = 'open'): Promise<readonly DeadLetter[]> => {
        const path = `/v1/dead?limit=1000&state=${state}`
        return (await rig.running().api<{ dead: DeadLetter[] }>('GET', path)).dead
      }
      const replayLetter = async (id: string, force = false) => {
        const body = { ids: [id], force }
        const { id: job } = await rig.running().api<ShownReplay>('POST', '/v1/dead/replay', body)
        return (await rig.until(job, 'done')).progress
      }
      const lettersOf = async (ids: readonly string[]): Promise<readonly DeadLetter[]> =>
        (await open()).filter(({ eventId }) => ids.includes(eventId))

      it('F23: are grouped by cause, and replayed in bulk once the destination is healed, once', async () => {
        const ids = await die(5)
        const causes = answerOf<DeadCause[]>(
          await rig.cli('dead', 'list', '--by', 'cause', '-o', 'json', '--destination', 'hooks'),
        )
        expect(causes).toMatchObject([
          { count: 5, code: 'ZENHOOK_CONNECTOR_REFUSED', stage: 'deliver', destination: 'hooks' },
        ])
        rig.hooks.arrivals.length = 0
        const which = ['--code', 'ZENHOOK_CONNECTOR_REFUSED', '--destination', 'hooks']
        const plan = answerOf<ShownPlan>(
          await rig.cli('dead', 'replay', ...which, '--dry-run', '-o', 'json'),
        )
        expect(plan).toMatchObject({ candidates: 5, replayed: 5, dispatched: 5 })
        const listed = answerOf<DeadLetter[]>(await rig.cli('dead', 'list', '-o', 'json'))
        expect(listed.filter(({ eventId }) => ids.includes(eventId)).length).toBe(5)
        const first = await rig.cli('dead', 'replay', ...which, '--rate', '50', '-o', 'json')
        expect(first.code).toBe(0)
        expect(replayOf(first)).toMatchObject({ kind: 'dead', progress: { replayed: 5 } })
        await rig.ended(ids, 'delivered')
        expect(await lettersOf(ids)).toEqual([])
        const second = await rig.cli('dead', 'replay', ...which, '-o', 'json')
        expect(replayOf(second).progress).toMatchObject({
          replayed: 0,
          skipped: { already_replayed: 5 },
        })
        expect(idsAt(rig.hooks).length).toBe(5)
        expect(new Set(rig.hooks.arrivals.map((each) => each.digest))).toEqual(
          new Set(ids.map(rig.digest)),
        )
        expect(new Set(rig.hooks.arrivals.map((each) => each.headers['zenhook-replay']))).toEqual(
          new Set([replayOf(first).id]),
        )
        const replayed = (await open('replayed')).filter(({ eventId }) => ids.includes(eventId))
        expect(replayed.map(({ seenTo }) => seenTo?.by)).toEqual(ids.map(() => 'admin'))
      })

      it('F23: that die again are letters with their count, until there were enough', async () => {
        const [event = ''] = await die(1)
        for (let replays = 1; replays <= 5; replays += 1) {
          const [letter] = await lettersOf([event])
          expect(letter?.replays).toBe(replays - 1)
          rig.hooks.fault = { status: 400 }
          expect((await replayLetter(letter?.id ?? '')).replayed).toBe(1)
          await patiently(
            async () => {
              const [next] = await lettersOf([event])
              return (next !== undefined && next.id !== letter?.id) || undefined
            },
            `death number ${replays + 1}`,
          )
        }
        rig.hooks.fault = undefined
        const [letter] = await lettersOf([event])
        expect(await replayLetter(letter?.id ?? '')).toMatchObject({
          replayed: 0,
          skipped: { replay_limit: 1 },
        })
        expect((await replayLetter(letter?.id ?? '', true)).replayed).toBe(1)
        await rig.ended([event], 'delivered')
        expect(await lettersOf([event])).toEqual([])
      })

      it('F23: of a rule that failed come out once with the mended rule, however often they are replayed', async () => {
        await rig.transform('$error("of the rule")')
        const ids = await rig.send(3)
        await rig.ended(ids, 'dead')
        const letters = await lettersOf(ids)
        expect(letters.map(({ code }) => code)).toEqual(
          Array(3).fill('ZENHOOK_CONNECTOR_TRANSFORM_FAILED'),
        )
        const before = await Promise.all(ids.map(rig.story))
        expect(rig.hooks.arrivals).toEqual([])
        await rig.transform('{ "fixed": data.action }')
        try {
          const replayIds: string[] = []
          for (const progress of [
            { seen: 3, replayed: 3, dispatched: 3 },
            { seen: 3, replayed: 0, skipped: { already_delivered: 3 } },
          ]) {
            const outcome = await rig.cli('replay', ...ids, '--from', 'route', '-o', 'json')
            expect(replayOf(outcome)).toMatchObject({ state: 'done', progress })
            replayIds.push(replayOf(outcome).id)
            await rig.ended(ids, 'delivered')
          }
          // The letters know that their destination has it: there is nothing left to replay.
          const again = ['dead', 'replay', ...letters.map(({ id }) => id), '-o', 'json']
          const third = replayOf(await rig.cli(...again))
          expect(third.progress).toMatchObject({ seen: 3, replayed: 0, dispatched: 0 })
          expect(await lettersOf(ids)).toEqual([])
          for (const { id, receivedAt, dispatches } of before) {
            const [dispatch] = dispatches
            const arrived = rig.hooks.arrivals.filter(
              ({ headers }) => headers['webhook-id'] === dispatch?.id,
            )
            expect(arrived.map(({ body }) => JSON.parse(body.toString()))).toEqual([
              { fixed: 'completed' },
            ])
            // The second replay says of each that its destination has it: that is its one end there.
            const told = await patiently(async () => {
              const found = await rig.story(id)
              const mine = found.decisions.filter(({ run }) => run === replayIds[1])
              return mine.some(({ verdict }) => verdict === 'delivered') ? found : undefined
            }, `the second replay of ${id}`)
            expect(told).toMatchObject({ id, receivedAt, status: 'delivered' })
            const ends = told.decisions.filter(({ verdict }) =>
              /^(?:dead|delivered)$/.test(verdict),
            )
            expect(ends.map(({ run, verdict, reason }) => `${run} ${verdict} ${reason}`)).toEqual([
              'live dead transform_failed',
              `${replayIds[0]} delivered delivered`,
              `${replayIds[1]} delivered already_delivered`,
            ])
            expect(new Set(ends.map(({ dispatchId }) => dispatchId))).toEqual(
              new Set([dispatch?.id]),
            )
          }
          expect(rig.hooks.arrivals.length).toBe(3)
        } finally {
          await rig.transform()
        }
      })

      it('are given up with a reason, which stays in the story', async () => {
        const ids = await die(2)
        const letters = await lettersOf(ids)
        expect(letters.length).toBe(2)
        const [id = ''] = letters.map((letter) => letter.id)
        expect((await rig.cli('dead', 'discard', id)).code).toBe(2)
        expect((await rig.cli('dead', 'discard', '--reason', 'x')).code).toBe(2)
        const unknown = randomUUID()
        const made = await rig.cli(
          ...['dead', 'discard', id, unknown, '--reason', 'order was cancelled', '-o', 'json'],
        )
        expect(made.code).toBe(1)
        expect(answerOf<object>(made)).toMatchObject({
          discarded: [id],
          refused: [{ id: unknown, why: 'unknown' }],
        })
        expect((await lettersOf(ids)).map((letter) => letter.id)).not.toContain(id)
        const eventId = letters[0]?.eventId ?? ''
        const { out } = await patiently(async () => {
          const told = await rig.cli('explain', eventId)
          return told.out.includes('discard') ? told : undefined
        }, 'the decision')
        expect(out).toMatch(/discard +dead: discarded/)
        expect((await rig.story(eventId)).status).toBe('dead')
        expect(out).toContain('by=admin why=order was cancelled')
        const replayed = await rig.cli('dead', 'replay', id, '--force', '-o', 'json')
        expect(replayOf(replayed).progress).toMatchObject({
          replayed: 0,
          skipped: { discarded: 1 },
        })
      })
    })
  })
}
