import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createAdmin } from '../../api/app.ts'
import type { ApiDependencies } from '../../api/types.ts'
import { type AdminServer, serveAdmin } from '../../cli/runtime/listeners.ts'
import { audit } from '../../core/accounting/index.ts'
import { accountingOf, codec, eventOf, startRig } from '../../core/accounting/testing/index.ts'
import { createChdbDecisions } from '../../core/decisions/chdb/index.ts'
import type { Decisions } from '../../core/decisions/port.ts'
import { createEmbeddedKv } from '../../core/kv/embedded/index.ts'
import { createEmbeddedLog } from '../../core/log/embedded/index.ts'
import type { NewRecord } from '../../core/log/port.ts'
import { openStorage } from '../../core/storage/index.ts'
import { silentLogger } from '../../core/telemetry/index.ts'
import { eventually, json, workspace, zenhook } from './harness.ts'

let space: Awaited<ReturnType<typeof workspace>>
let decisions: Decisions
beforeAll(async () => {
  space = await workspace()
  decisions = await createChdbDecisions({ folder: space.path('decisions') })
  await decisions.ensureTables()
})
afterAll(async () => {
  await decisions.close()
  await space.remove()
})
const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const token = 'a-token-of-this-test'
const absent = (): never => {
  throw new Error('not asked in this test')
}

/** A whole Zenhook behind the ingress on embedded engines, whose log loses what `drop` names. */
const losing = async (name: string, drop: (record: NewRecord) => boolean) => {
  const storage = openStorage(space.path(name))
  const log = createEmbeddedLog({ storage })
  const kv = createEmbeddedKv({ storage })
  cleanups.push(
    () => storage.close(),
    () => kv.close(),
    () => log.close(),
  )
  const rig = await startRig({ log, kv, decisions, drop })
  cleanups.push(() => rig.close())
  const accounting = accountingOf(rig, { kv, decisions, intervalMs: 200 })
  cleanups.push(() => accounting.close())
  const dependencies: Partial<ApiDependencies> = {
    token,
    limit: { requests: 10_000, windowSeconds: 60 },
    kv,
    log: rig.log,
    codec,
    decisions,
    logger: silentLogger,
    audit: (filter, signal) =>
      audit(
        {
          ...{ log: rig.log, codec, decisions, flow: rig.flow, signal, now: Date.now },
          graceMs: 0,
          spooled: async () => 0,
        },
        filter,
      ),
  }
  const app = createAdmin(
    {
      ...{ version: '0', instanceId: 'i', metrics: rig.metrics, logger: silentLogger },
      checks: async () => [],
    },
    new Proxy(dependencies as ApiDependencies, {
      get: (own, key) => (key in own ? Reflect.get(own, key) : absent),
    }),
  )
  const server: AdminServer = await serveAdmin(
    (request, env) => app.fetch(request, env),
    '127.0.0.1',
    0,
  )
  cleanups.push(() => server.close())
  const url = `http://127.0.0.1:${server.port}`
  return {
    rig,
    gauge: async (): Promise<string | undefined> => {
      const text = await (await fetch(`${url}/metrics`)).text()
      return /^zenhook_unaccounted_events (\d+)$/m.exec(text)?.[1]
    },
    audit: (...args: string[]) =>
      zenhook(['audit', '--url', url, ...args], { env: { ZENHOOK_TOKEN: token } }),
  }
}

interface Answer {
  events: number
  ended: Record<string, number>
  open: Record<string, number>
  unaccounted: { id: string; cause: string; tenant: string; dispatches: string[] }[]
}

describe('what is lost on purpose', { timeout: 120_000 }, () => {
  it.each([
    ['a dispatch', 'dispatch', 'dispatch_lost'],
    ['the decisions of the stages', 'decisions', 'undecided'],
  ])('%s: named by the command and counted by the gauge', async (_what, topic, cause) => {
    let lost: string | undefined
    const { rig, gauge, audit } = await losing(topic, (record) => {
      if (lost !== undefined || record.topic !== topic) return false
      lost = record.headers?.id
      return true
    })
    await rig.receive(...Array.from({ length: 200 }, () => eventOf()))
    const outcome = await eventually(async () => {
      const each = await audit('-o', 'json')
      return json<Answer>(each).open.pending === 0 ? each : undefined
    }, 'an audit with nothing pending')
    expect(lost).toBeDefined()
    expect(outcome.code).toBe(1)
    expect(json<Answer>(outcome)).toMatchObject({
      events: 200,
      ended: { delivered: 199, partial: 0, dropped: 0, dead: 0 },
      open: { pending: 0, retrying: 0, waiting: 0, spooled: 0 },
      unaccounted: [{ id: lost, cause, tenant: 'acme' }],
    })
    const table = await audit()
    expect(table.code).toBe(1)
    expect(table.out).toMatch(/^unaccounted {2}1$/m)
    expect(table.out).toContain(`${lost}`)
    expect(table.out).toContain(cause)
    await eventually(async () => ((await gauge()) === '1' ? true : undefined), 'the gauge at 1')
    // Another tenant has nothing to do with it.
    expect((await audit('--tenant', 'other')).code).toBe(0)
  })

  it('nothing: exit 0, and the gauge at 0', async () => {
    const { rig, gauge, audit } = await losing('none', () => false)
    await rig.receive(...Array.from({ length: 200 }, () => eventOf()))
    const outcome = await eventually(async () => {
      const each = await audit('-o', 'json')
      return json<Answer>(each).ended.delivered === 200 ? each : undefined
    }, 'an audit where all is delivered')
    expect(outcome.code).toBe(0)
    expect(json<Answer>(outcome).unaccounted).toEqual([])
    expect(await gauge()).toBe('0')
  })
})
