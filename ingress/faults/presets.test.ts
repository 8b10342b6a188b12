import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { presets } from '../providers/index.ts'
import type { Preset } from '../providers/preset.ts'
import { makeSource } from '../testing/fakes.ts'
import { type Started, startIngress } from '../testing/harness.ts'
import { type Reply, refusalOf, sendDraft } from '../testing/send.ts'
import { isForm } from '../verifiers/body.ts'
import { createVerifier } from '../verifiers/create.ts'
import { draftOf, generateSecrets, signRequest } from '../verifiers/sign.ts'
import { withHeader } from '../verifiers/signing.ts'
import type { Draft, SecretPair, Verifier } from '../verifiers/types.ts'
import { splitUrl } from '../verifiers/view.ts'

const at = 1_760_000_000_000
const publicUrl = 'https://hooks.example.com'
const month = 30 * 86_400_000

interface Bench {
  preset: Preset
  pair: SecretPair
  other: SecretPair
}
const benches: readonly Bench[] = presets.map((preset) => ({
  preset,
  pair: generateSecrets(preset),
  other: generateSecrets(preset),
}))

const modes = ['own', 'rotated', 'removed'] as const
type Mode = (typeof modes)[number]
const secretsOf = ({ pair, other }: Bench, mode: Mode): string[] =>
  ({
    own: [pair.verifying],
    rotated: [other.verifying, pair.verifying],
    removed: [other.verifying],
  })[mode]

const signed = ({ preset, pair }: Bench, mode: Mode, now = at): Draft =>
  signRequest(preset, {
    ...draftOf(preset.samples[0]),
    secret: pair.signing,
    url: `${publicUrl}/in/${mode}/${preset.name}`,
    now,
  })

const tampered = (draft: Draft): Draft => {
  const type = draft.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  return { ...draft, body: Buffer.concat([draft.body, Buffer.from(isForm(type) ? '&x=1' : ' ')]) }
}

describe('requests of every preset, over HTTP', () => {
  let started: Started
  const refusals = new Set<string>()
  const send = async (draft: Draft): Promise<Reply> => {
    const reply = await sendDraft(started.port, draft)
    if (reply.status === 401) refusals.add(refusalOf(reply))
    return reply
  }

  beforeAll(async () => {
    const verifiers = new Map<string, Verifier>()
    const sources = modes.flatMap((mode) =>
      benches.map((bench) => {
        const provider = bench.preset.name
        const secrets = secretsOf(bench, mode)
        verifiers.set(`${mode}/${provider}`, createVerifier({ provider, secrets }))
        return makeSource({ tenant: mode, name: provider, provider })
      }),
    )
    started = await startIngress(sources, {
      now: () => at,
      publicUrl,
      verifierFor: async ({ tenant, name }) => {
        const found = verifiers.get(`${tenant}/${name}`)
        if (found === undefined) throw new Error(`no verifier of ${tenant}/${name}`)
        return found
      },
    })
  })
  afterAll(() => started.close())

  it.each(benches.map((bench) => [bench.preset.name, bench] as const))(
    'F50: %s: genuine and rotated ones are taken, tampered, stale and malformed ones refused',
    async (_, bench) => {
      const { preset, pair } = bench
      const [scheme] = preset.schemes
      const genuine = await send(signed(bench, 'own'))
      expect([genuine.status, genuine.body]).toEqual([202, expect.stringContaining('"id"')])
      expect((await send(signed(bench, 'rotated'))).status).toBe(202)
      expect((await send(signed(bench, 'removed'))).status).toBe(401)

      const verifier = createVerifier({ provider: preset.name, secrets: [pair.verifying] })
      const draft = signed(bench, 'own')
      const proven = await verifier.verify({ ...draft, ...splitUrl(draft.url) }, at)
      if (!proven.ok) throw new Error(`${preset.name} is not genuine`)
      expect((await send(tampered(draft))).status).toBe(proven.bodyCovered ? 401 : 202)
      if (proven.toleranceMs !== undefined)
        for (const stale of [-month, month])
          expect((await send(signed(bench, 'own', at + stale))).status).toBe(401)

      const plain = Object.keys(draftOf(preset.samples[0]).headers ?? {}).map((name) =>
        name.toLowerCase(),
      )
      const optional = scheme.when?.equals === undefined ? undefined : scheme.when.header
      for (const [name, value] of draft.headers) {
        const header = name.toLowerCase()
        if (plain.includes(header)) continue
        const without = draft.headers.filter(([each]) => each !== name)
        if (header !== optional)
          expect((await send({ ...draft, headers: without })).status).toBe(401)
        const twice = [...draft.headers, [name, value] as const]
        expect((await send({ ...draft, headers: twice })).status).toBe(401)
        expect((await send(withHeader(draft, name, 'garbage'))).status).toBe(401)
      }
    },
  )

  it('F54: all that is refused gets one answer', () => {
    expect(refusals.size).toBe(1)
  })
})
