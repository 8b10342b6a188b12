import { createVerifier, type VerifierOptions } from './create.ts'
import type { Draft, RawRequest, Verified } from './types.ts'
import { splitUrl } from './view.ts'

export const now = 1_760_000_000_000
export const url = 'https://hooks.example.com/in/acme/source?room=1'

export interface Sketch {
  readonly method?: string
  readonly url?: string
  readonly headers?: Readonly<Record<string, string>> | Draft['headers']
  readonly body?: string | Uint8Array
}

/** A request of a few words. */
export const requestOf = ({
  method = 'POST',
  url: at = url,
  headers = {},
  body = '',
}: Sketch): RawRequest => ({
  method,
  url: at,
  ...splitUrl(at),
  headers: Array.isArray(headers) ? headers : Object.entries(headers),
  body: typeof body === 'string' ? Buffer.from(body) : body,
})

export const verifyWith = (
  options: VerifierOptions,
  sketch: Sketch,
  at: number = now,
): Promise<Verified> => createVerifier(options).verify(requestOf(sketch), at)

/** `accepted`, or why not. */
export const verdict = (verified: Verified): string =>
  verified.ok ? 'accepted' : `${verified.reason}: ${verified.step}`
