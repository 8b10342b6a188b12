import { afterEach, describe, expect, it } from 'vitest'
import { createMemoryKv } from '../../core/kv/memory/index.ts'
import type { Kv } from '../../core/kv/port.ts'
import { createRedisKv } from '../../core/kv/redis/index.ts'
import type { Source } from '../../core/registry/types.ts'
import { hash } from '../../core/stage/testing.ts'
import { silentLogger } from '../../core/telemetry/index.ts'
import { createDedupe } from '../../processors/dedupe/index.ts'
import { testServers } from '../../test/servers.ts'
import { presets } from '../providers/index.ts'
import { genuineHeaders, makeSource } from '../testing/fakes.ts'
import { type Over, type Started, startIngress } from '../testing/harness.ts'
import { type Reply, refusalOf, sendDraft } from '../testing/send.ts'
import { createVerifier } from '../verifiers/create.ts'
import { draftOf, generateSecrets, presetNamed, signRequest } from '../verifiers/index.ts'
import type { Draft, SecretPair } from '../verifiers/types.ts'
import { splitUrl } from '../verifiers/view.ts'

const servers = await testServers()

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})
const start = async (
  sources: readonly Source[] = [makeSource()],
  over: Over = {},
): Promise<Started> => {
  const started = await startIngress(sources, over)
  open.push(() => started.close())
  return started
}

const github = (body: string, delivery?: string): Draft => ({
  method: 'POST',
  url: 'http://x/in/acme/github',
  headers: Object.entries(genuineHeaders(body, delivery)),
  body: Buffer.from(body),
})

interface Answer {
  id: string
  duplicate?: boolean
}
const answerOf = (reply: Reply): Answer => {
  expect(reply.status).toBe(202)
  return JSON.parse(reply.body) as Answer
}
const firsts = (answers: readonly Answer[]): Answer[] =>
  answers.filter(({ duplicate }) => duplicate !== true)

describe('replays within the window', () => {
  it('F56: one after the other: the first is stored, each later one is told as its duplicate', async () => {
    const { port, stored } = await start()
    const draft = github('{"n":1}', 'd')
    const { id, duplicate } = answerOf(await sendDraft(port, draft))
    expect(duplicate).toBeUndefined()
    for (let n = 0; n < 5; n += 1)
      expect(answerOf(await sendDraft(port, draft))).toEqual({ id, duplicate: true })
    expect(await stored()).toHaveLength(1)
  })

  it.each([2, 3, 100])(
    'F56: %i at once: one is stored, and all are answered with it',
    async (copies) => {
      const { port, stored } = await start()
      const draft = github('{"n":2}', `d-${copies}`)
      const answers = await Promise.all(
        Array.from({ length: copies }, async () => answerOf(await sendDraft(port, draft))),
      )
      expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
      expect(firsts(answers)).toHaveLength(1)
      expect(await stored()).toHaveLength(1)
    },
  )
})

const minute = 60_000
const base = 1_760_000_000_000

/** A source of a preset, with a clock that stands where it is put. */
const clocked = async (provider: string, kv?: Kv, clock = { at: base }, skewMs = 0) => {
  const preset = presetNamed(provider)
  const pair = generateSecrets(preset)
  const verifier = (own: SecretPair) => createVerifier({ provider, secrets: [own.verifying] })
  const signed = (at: number, body?: string, id?: string): Draft =>
    signRequest(preset, {
      ...draftOf(preset.samples[0]),
      ...(body === undefined ? {} : { body }),
      ...(id === undefined ? {} : { id }),
      secret: pair.signing,
      url: `https://hooks.example.com/in/acme/${provider}`,
      now: at,
    })
  const source = makeSource({ name: provider, provider, dedupe: { windowMs: 1 } })
  const started = await start([source], {
    kv: kv ?? createMemoryKv({ now: () => clock.at }),
    now: () => clock.at + skewMs,
    publicUrl: 'https://hooks.example.com',
    verifierFor: async () => verifier(pair),
  })
  return { ...started, clock, pair, signed, verifier: verifier(pair) }
}

const timed = await Promise.all(
  presets.map(async ({ name, samples: [sample] }) => {
    const { signing, verifying } = generateSecrets(presetNamed(name))
    const url = 'https://hooks.example.com/in/acme/x'
    const preset = presetNamed(name)
    const draft = signRequest(preset, { ...draftOf(sample), secret: signing, url, now: base })
    const verifier = createVerifier({ provider: name, secrets: [verifying] })
    const proven = await verifier.verify({ ...draft, ...splitUrl(draft.url) }, base)
    return proven.ok && proven.toleranceMs !== undefined && proven.scheme !== 'jwt'
      ? [{ name, toleranceMs: proven.toleranceMs }]
      : []
  }),
).then((found) => found.flat())

describe('replays at the edges of the window', () => {
  it('F57: past the tolerance are refused like any bad signature', async () => {
    const { port, clock, signed, stored } = await clocked('standard-webhooks')
    const draft = signed(base)
    const { id } = answerOf(await sendDraft(port, draft))
    clock.at = base + 5 * minute
    expect(answerOf(await sendDraft(port, draft))).toEqual({ id, duplicate: true })
    clock.at += 1
    const late = await sendDraft(port, draft)
    const bad = await sendDraft(port, { ...draft, body: Buffer.from('{}') })
    expect(late.status).toBe(401)
    expect(refusalOf(late)).toBe(refusalOf(bad))
    expect(await stored()).toHaveLength(1)
  })

  it.each(timed)(
    'F61: $name: no moment at which a replay would be a second event ($toleranceMs ms)',
    async ({ name, toleranceMs }) => {
      const step = 1_000
      for (const first of [-toleranceMs, 0, toleranceMs]) {
        const { port, clock, signed, stored } = await clocked(name)
        const draft = signed(base)
        clock.at = base + first
        const { id } = answerOf(await sendDraft(port, draft))
        const moments = [first, first + 1, 0, toleranceMs / 2, toleranceMs - 1, toleranceMs]
        const within = moments.filter((each) => each >= first && each <= toleranceMs)
        for (const moment of within.sort((a, b) => a - b)) {
          clock.at = base + moment
          expect(answerOf(await sendDraft(port, draft))).toEqual({ id, duplicate: true })
        }
        clock.at = base + toleranceMs + step
        expect((await sendDraft(port, draft)).status).toBe(401)
        expect(await stored()).toHaveLength(1)
      }
    },
  )

  it('F61: nor at another process, whose clock is a minute behind', async () => {
    const clock = { at: base }
    const kv = createMemoryKv({ now: () => clock.at })
    const ahead = await clocked('stripe', kv, clock)
    const pair = ahead.pair
    const behind = await start(
      [makeSource({ name: 'stripe', provider: 'stripe', dedupe: { windowMs: 1 } })],
      {
        kv,
        now: () => clock.at - minute,
        publicUrl: 'https://hooks.example.com',
        verifierFor: async () => createVerifier({ provider: 'stripe', secrets: [pair.verifying] }),
      },
    )
    const draft = ahead.signed(base)
    clock.at = base - 5 * minute
    const { id } = answerOf(await sendDraft(ahead.port, draft))
    // As the one behind has it, the signature lives for a minute longer.
    for (const at of [base - 4 * minute, base, base + 5 * minute, base + 6 * minute]) {
      clock.at = at
      expect(answerOf(await sendDraft(behind.port, draft))).toEqual({ id, duplicate: true })
    }
    clock.at = base + 6 * minute + 1_000
    expect((await sendDraft(behind.port, draft)).status).toBe(401)
    expect(await behind.stored()).toEqual([])
  })

  it('F58: the same id signed twice over different bodies: the first stands, the second is told', async () => {
    const { port, signed, stored, codec } = await clocked('standard-webhooks')
    const { id } = answerOf(await sendDraft(port, signed(base, '{"type":"a","n":1}', 'msg_1')))
    const again = answerOf(await sendDraft(port, signed(base, '{"type":"a","n":2}', 'msg_1')))
    expect(again).toEqual({ id, duplicate: true })
    const [record, ...others] = await stored()
    expect(others).toEqual([])
    const event = await codec.decode('event', record?.value ?? new Uint8Array())
    expect(new TextDecoder().decode(event.raw)).toBe('{"type":"a","n":1}')
    await expect.poll(async () => (await stored('decisions')).length).toBe(1)
    const [told] = await stored('decisions')
    expect(await codec.decode('decisions', told?.value ?? new Uint8Array())).toMatchObject({
      eventId: id,
      decisions: [{ stage: 'ingress', reason: 'conflict' }],
    })
  })
})

describe('replays racing over four ingress processes', () => {
  /** Gives how many records it took: one for each event, unless the state store was too slow to be asked. */
  const race = async (kv: Kv, events = 40): Promise<number> => {
    const first = await start([makeSource()], { kv })
    const others = await Promise.all(
      [1, 2, 3].map(() => start([makeSource()], { kv, log: first.log })),
    )
    const ports = [first, ...others].map(({ port }) => port)
    const answered = new Set<string>()
    for (let n = 0; n < events; n += 1) {
      const draft = github(`{"n":${n}}`, `race-${n}`)
      const answers = await Promise.all(
        [...ports, ...ports, ...ports].map(async (port) => answerOf(await sendDraft(port, draft))),
      )
      for (const { id } of answers) answered.add(id)
    }
    const records = await first.stored()
    // Whatever the number of records: the stage decides each event once.
    const claims = createMemoryKv()
    open.push(() => claims.close())
    const registry = (): never => {
      throw new Error('not asked')
    }
    const dedupe = createDedupe({ now: Date.now, hash, kv: claims, registry })
    const items = await Promise.all(
      records.map(async ({ topic, partition, offset, value }) => ({
        event: await first.codec.decode('event', value ?? new Uint8Array()),
        position: { topic, partition, offset },
        run: 'live',
      })),
    )
    const outcomes = await dedupe.process(items, new AbortController().signal)
    const decided = outcomes.flatMap((outcome) => (outcome.kind === 'emit' ? [outcome.event] : []))
    expect(new Set(decided.map(({ deliveryId }) => deliveryId)).size).toBe(events)
    expect(decided).toHaveLength(events)
    expect(decided.filter(({ id }) => !answered.has(id))).toEqual([])
    return records.length
  }

  it('F60: over one state store in memory: one record each, and every waiter is answered', async () => {
    const kv = createMemoryKv()
    open.push(() => kv.close())
    expect(await race(kv, 40)).toBe(40)
  })

  it.skipIf(servers.redis === undefined)(
    'F60: over one Redis: one decision each, and every waiter is answered',
    async () => {
      const prefix = `test.f60.${process.pid}.${Date.now()}`
      const kv = createRedisKv({ url: servers.redis ?? '', prefix, logger: silentLogger })
      open.push(() => kv.close())
      console.info(`F60: ${await race(kv)} records of 40 events, 480 requests, over Redis`)
    },
  )
})

describe('credentials', () => {
  it("F66: of each tenant open no other tenant's path, and look like any bad signature there", async () => {
    const tenants = ['acme', 'globex', 'initech']
    const providers = ['github', 'stripe', 'standard-webhooks', 'twilio', 'okta']
    const pairs = new Map<string, SecretPair>()
    const sources = tenants.flatMap((tenant) =>
      providers.map((provider) => {
        pairs.set(`${tenant}/${provider}`, generateSecrets(presetNamed(provider)))
        return makeSource({ tenant, name: provider, provider })
      }),
    )
    const pairOf = (tenant: string, provider: string): SecretPair => {
      const found = pairs.get(`${tenant}/${provider}`)
      if (found === undefined) throw new Error(`no secret of ${tenant}/${provider}`)
      return found
    }
    const { port, stored, kv } = await start(sources, {
      now: () => base,
      publicUrl: 'https://hooks.example.com',
      failures: { perSecond: 1_000, burst: 10_000 },
      failuresAnywhere: { perSecond: 1_000, burst: 10_000 },
      verifierFor: async ({ tenant, name }) =>
        createVerifier({ provider: name, secrets: [pairOf(tenant, name).verifying] }),
    })
    const signed = (tenant: string, provider: string, to: string): Draft =>
      signRequest(presetNamed(provider), {
        ...draftOf(presetNamed(provider).samples[0]),
        secret: pairOf(tenant, provider).signing,
        url: `https://hooks.example.com/in/${to}/${provider}`,
        now: base,
      })
    const refusals = new Set<string>()
    for (const provider of providers)
      for (const own of tenants)
        for (const to of tenants.filter((each) => each !== own))
          refusals.add(refusalOf(await sendDraft(port, signed(own, provider, to))))
    const forged = { ...signed('acme', 'github', 'acme'), body: Buffer.from('{}') }
    refusals.add(refusalOf(await sendDraft(port, forged)))
    expect([...refusals]).toEqual([expect.stringContaining('401 ')])
    expect(await stored()).toEqual([])
    expect(kv.calls).toBe(0)
    for (const provider of providers)
      for (const own of tenants) answerOf(await sendDraft(port, signed(own, provider, own)))
    const records = await stored()
    expect(records).toHaveLength(tenants.length * providers.length)
    expect(new Set(records.map(({ key }) => key)).size).toBe(records.length)
  })
})
