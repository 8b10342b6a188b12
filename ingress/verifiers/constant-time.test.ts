import { expect, it, vi } from 'vitest'

const spy = vi.hoisted(() => ({ calls: [] as (readonly [number, number])[] }))

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>()
  return {
    ...crypto,
    timingSafeEqual: (left: Uint8Array, right: Uint8Array) => {
      spy.calls.push([left.length, right.length])
      return crypto.timingSafeEqual(left, right)
    },
  }
})

const { presets } = await import('../providers/index.ts')
const { createVerifier, draftOf, generateSecrets, signRequest } = await import('./index.ts')
const { splitUrl } = await import('./view.ts')
const { equalBytes } = await import('./compare.ts')

const now = 1_760_000_000_000
const url = 'https://hooks.example.com/in/acme/source'

const symmetric = presets.flatMap((preset) =>
  preset.schemes
    .filter(({ verify }) => !['ed25519', 'ecdsa', 'rsa', 'sns', 'jwt'].includes(verify.scheme))
    .map((scheme) => [`${preset.name}, ${scheme.name}`, preset, scheme] as const),
)

it.each(symmetric)('F54: %s compares through timingSafeEqual', async (_, preset, { name }) => {
  const { signing, verifying } = generateSecrets(preset, name)
  const sample = preset.samples.at(name === 'banking' ? -1 : 0) ?? preset.samples[0]
  const draft = signRequest(preset, {
    ...draftOf(sample),
    secret: signing,
    url,
    now,
    scheme: name,
  })
  const request = { ...draft, ...splitUrl(draft.url) }
  const verifier = createVerifier({ provider: preset.name, secrets: [verifying] })
  spy.calls.length = 0
  expect((await verifier.verify(request, now)).ok).toBe(true)
  expect(spy.calls.length).toBeGreaterThan(0)
  for (const [left, right] of spy.calls) expect(left).toBe(right)
})

it('F54: never throws and never accepts for digests of other lengths', () => {
  const digest = Buffer.alloc(32, 7)
  for (const length of [0, 1, 31, 33, 64])
    expect(equalBytes(Buffer.alloc(length, 7), digest)).toBe(false)
  expect(equalBytes(Buffer.alloc(32, 7), digest)).toBe(true)
})
