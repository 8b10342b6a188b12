import { randomUUID } from 'node:crypto'
import { ZenhookError } from '../../core/errors/index.ts'
import type { Preset, PresetScheme, Sample } from '../providers/preset.ts'
import { valuesAt } from './body.ts'
import { signingPlaces } from './create.ts'
import { bindScheme } from './settings.ts'
import { viewOfDraft } from './signing.ts'
import type { Draft, SecretPair } from './types.ts'

export interface SignOptions {
  /** A secret that signs: for asymmetric schemes the private key. */
  readonly secret: string
  readonly body: Uint8Array | string
  readonly headers?: Readonly<Record<string, string>> | Draft['headers']
  readonly method?: string
  /** Absolute URL that the provider would be told. */
  readonly url: string
  /** Milliseconds. */
  readonly now: number
  /** Delivery id, for schemes whose signature carries one. */
  readonly id?: string
  /** One of the preset's schemes by name, where the secret and the body do not tell. */
  readonly scheme?: string
}

const isList = (headers: SignOptions['headers']): headers is Draft['headers'] =>
  Array.isArray(headers)

const signs = ({ signs }: PresetScheme, draft: Draft): boolean => {
  if (!signs) return true
  const view = viewOfDraft(draft)
  const type = view.all('content-type')[0] ?? ''
  return (
    (signs.contentType === undefined || type.startsWith(signs.contentType)) &&
    (signs.body === undefined || valuesAt(view.body(), signs.body).length > 0) &&
    (signs.withoutBody === undefined || valuesAt(view.body(), signs.withoutBody).length === 0)
  )
}

const schemeFor = (preset: Preset, draft: Draft, options: SignOptions): PresetScheme => {
  const scheme = preset.schemes.find((each) =>
    options.scheme === undefined
      ? signingPlaces(preset, [options.secret], each).length > 0 && signs(each, draft)
      : each.name === options.scheme,
  )
  if (scheme) return scheme
  throw new ZenhookError('ZENHOOK_VERIFY_CANNOT_SIGN', {
    message: `No scheme of ${preset.name} signs with this secret`,
  })
}

/** Signs any request as the provider would; schemes that carry their signature in the body rewrite it. */
export const signRequest = (preset: Preset, options: SignOptions): Draft => {
  const { body, headers = {}, method = 'POST', url, now, id = randomUUID() } = options
  const draft: Draft = {
    method,
    url,
    headers: isList(headers) ? headers : Object.entries(headers),
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
  }
  const { scheme, config } = bindScheme(schemeFor(preset, draft, options).verify)
  return scheme.sign(config, options.secret, draft, { now, id })
}

/** A new secret of the kind that the preset's first scheme uses, or of a named one. */
export const generateSecrets = (preset: Preset, schemeName?: string): SecretPair => {
  const settings =
    preset.schemes.find(({ name }) => name === schemeName)?.verify ?? preset.schemes[0].verify
  const { scheme, config } = bindScheme(settings)
  return scheme.generate(config)
}

/** A sample as the provider would send it, before it is signed. */
export const draftOf = (sample: Sample): Pick<SignOptions, 'body' | 'headers' | 'method'> => ({
  method: sample.method ?? 'POST',
  headers: {
    'content-type':
      sample.contentType ?? (typeof sample.body === 'string' ? 'text/plain' : 'application/json'),
    ...sample.headers,
  },
  body: typeof sample.body === 'string' ? sample.body : JSON.stringify(sample.body),
})

/** The sample of a type, by its whole name or its beginning; the first where none is named. */
export const sampleOf = (preset: Preset, type?: string): Sample | undefined =>
  type === undefined
    ? preset.samples[0]
    : (preset.samples.find((each) => each.type === type) ??
      preset.samples.find((each) => each.type.startsWith(type) || each.type.endsWith(`:${type}`)))
