import fc from 'fast-check'
import { expect, it } from 'vitest'
import { presets } from '../providers/index.ts'
import { createVerifier } from './create.ts'
import { draftOf, generateSecrets, signRequest } from './sign.ts'
import { now, requestOf, url } from './testing.ts'

const scraps = fc.constantFrom(
  'sha256=',
  'v1=',
  't=',
  'v1,',
  'Basic ',
  'Bearer ',
  'JWT ',
  'sig1=(',
  '"@method"',
  ')',
  ':AA==:',
  '{',
  '.',
  ',',
  ';',
  '=',
  '%',
  '\\',
  '"',
)
const value = fc.oneof(
  fc.string(),
  fc
    .array(fc.oneof(scraps, fc.string({ maxLength: 6 }), fc.base64String({ maxLength: 44 })), {
      maxLength: 12,
    })
    .map((parts) => parts.join('')),
)
const body = fc.oneof(
  fc.uint8Array(),
  fc.json().map((text) => Buffer.from(text)),
)

it.each(presets.map((preset) => [preset.name, preset] as const))(
  '%s answers whatever it is sent',
  async (_, preset) => {
    const pairs = preset.schemes.map(({ name }) => generateSecrets(preset, name))
    const { signing } = pairs[0] ?? generateSecrets(preset)
    const draft = signRequest(preset, { ...draftOf(preset.samples[0]), secret: signing, url, now })
    const names = [...new Set(['content-type', ...draft.headers.map(([name]) => name)])]
    const verifier = createVerifier({
      provider: preset.name,
      secrets: pairs.map(({ verifying }) => verifying),
    })
    const header = fc.tuple(fc.constantFrom(...names), value)
    await fc.assert(
      fc.asyncProperty(
        fc.array(header, { maxLength: 6 }),
        body,
        fc.constantFrom('GET', 'POST'),
        fc.webQueryParameters(),
        async (headers, bytes, method, query) => {
          const request = requestOf({ method, url: `${url}&${query}`, headers, body: bytes })
          expect((await verifier.verify(request, now)).ok).toBe(false)
        },
      ),
      { numRuns: 60 },
    )
  },
)
