import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, json, type Running, start, workspace, zenhook } from './harness.ts'

let space: Awaited<ReturnType<typeof workspace>>
let running: Running
const run = (...args: string[]) => zenhook([...args, '--data-dir', space.path('data')])

beforeAll(async () => {
  space = await workspace()
  running = await start({
    dataDir: space.path('data'),
    env: { AUDIT_INTERVAL: '1s', AUDIT_GRACE: '1s' },
  })
})
afterAll(() => space.remove())

interface Answer {
  events: number
  ended: Record<string, number>
  open: Record<string, number>
  unaccounted: unknown[]
}

const metric = async (name: string): Promise<number | undefined> => {
  const text = await (await fetch(`${running.instance.url}/metrics`)).text()
  const [, value] =
    new RegExp(`^${name.replaceAll(/[{}"]/g, '\\$&')} (\\S+)$`, 'm').exec(text) ?? []
  return value === undefined ? undefined : Number(value)
}

describe('zenhook audit', () => {
  it('accounts for every event, and the gauge reads 0', async () => {
    await run('trigger', 'github', '--burst', '50')
    await run('trigger', 'github.push', '--duplicate')
    const whole = await eventually(async () => {
      const outcome = await run('audit', '-o', 'json')
      return json<Answer>(outcome).open.pending === 0 ? outcome : undefined
    }, 'an audit with nothing pending')
    expect(whole).toMatchObject({ code: 0, err: '' })
    const answer = json<Answer>(whole)
    expect(answer.events).toBeGreaterThanOrEqual(52)
    expect(answer.ended).toMatchObject({
      delivered: answer.events,
      partial: 0,
      dropped: 0,
      dead: 0,
    })
    expect(answer.unaccounted).toEqual([])
    const ended = 'zenhook_accounting_ended_events_total{state="delivered"}'
    await eventually(
      async () => ((await metric(ended)) === answer.events ? true : undefined),
      ended,
    )
    expect(await metric('zenhook_unaccounted_events')).toBe(0)
    expect(await metric('zenhook_accounting_open_events{state="spooled"}')).toBe(0)
    expect(await metric('zenhook_accounting_last_run_timestamp_seconds')).toBeGreaterThan(
      Date.now() / 1000 - 30,
    )
  })

  it('tells counts as a table, of a range, a tenant and a source', async () => {
    const [table, none, other, hour] = await Promise.all(
      [[], ['--tenant', 'nobody'], ['--source', 'nothing'], ['--until', '1h']].map((args) =>
        eventually(
          async () => {
            const outcome = await run('audit', ...args)
            // One at a time: the others are told to come again.
            return outcome.err.includes('Another audit') ? undefined : outcome
          },
          `audit ${args.join(' ')}`,
        ),
      ),
    )
    expect(table?.out).toMatch(/^events {7}\d+\ndelivered {4}\d+\n(.+\n)+unaccounted {2}0\n$/)
    for (const each of [none, other, hour]) expect(each?.out).toMatch(/^events {7}0\n/)
    expect([table, none, other, hour].map((each) => each?.code)).toEqual([0, 0, 0, 0])
  })

  it('refuses a time that is none', async () => {
    const outcome = await run('audit', '--since', 'yesterday')
    expect(outcome.code).toBe(1)
    expect(outcome.err).toContain('RFC 3339')
  })
})
