import type { Claim, Preset, PresetScheme } from '../providers/preset.ts'
import { sha256Hex } from './digest.ts'
import { bodyHandshake, getHandshake, TOKEN_MARK } from './handshake.ts'
import { idOf, pick, typeOf } from './pick.ts'
import { checkStrength } from './secrets.ts'
import { bindScheme, presetOf, type VerifySource } from './settings.ts'
import {
  type Genuine,
  type Proof,
  type Prove,
  type RawRequest,
  refuse,
  type SchemeDeps,
  type Verified,
  type Verifier,
  type View,
} from './types.ts'
import { viewOf } from './view.ts'

export interface VerifierOptions extends VerifySource {
  /** Values, all live at once. */
  readonly secrets: readonly string[]
  /** For schemes that fetch keys (SNS certificates, JWKS): the guarded client. */
  readonly fetchKey?: (url: string) => Promise<string>
  /** Shortest secret accepted, in bytes: 8 unless told. */
  readonly minSecretBytes?: number
}

const DAY = 86_400_000
const FIVE_MINUTES = 300_000
const SKEW = 60_000
const MIN_SECRET_BYTES = 8

interface Way {
  readonly scheme: PresetScheme
  /** Absent where the source has no secret of this scheme's kind. */
  readonly prove?: Prove
  /** Place of this scheme's secrets among the source's. */
  readonly places: readonly number[]
}

const ofScheme = (secret: string, { secrets }: PresetScheme): boolean =>
  (secrets?.startsWith === undefined || secret.startsWith(secrets.startsWith)) &&
  (secrets?.without === undefined || !secret.startsWith(secrets.without)) &&
  (secrets?.contains === undefined || secret.includes(secrets.contains))

const asksForToken = ({ handshakes = [] }: Preset): boolean =>
  handshakes.some(({ kind }) => kind === 'query')

/** Places of the secrets that sign; where a handshake has a token of its own, `verify:` marks it. */
export const signingPlaces = (
  preset: Preset,
  secrets: readonly string[],
  scheme: PresetScheme,
): number[] =>
  [...secrets.keys()].filter((at) => {
    const secret = secrets[at] ?? ''
    return !(asksForToken(preset) && secret.startsWith(TOKEN_MARK)) && ofScheme(secret, scheme)
  })

const claims = (view: View, { header, equals, begins, without, query }: Claim): boolean => {
  if (header !== undefined) {
    const values = view.all(header)
    if (values.length === 0 || (equals !== undefined && !values.includes(equals))) return false
    if (begins !== undefined && !values.some((value) => value.toLowerCase().startsWith(begins)))
      return false
  }
  if (without !== undefined && view.all(without).length > 0) return false
  return query === undefined || new URLSearchParams(view.request.query).has(query)
}

const waysOf = (preset: Preset, secrets: readonly string[], deps: SchemeDeps): readonly Way[] => {
  const all = preset.schemes.map((scheme) => ({
    scheme,
    bound: bindScheme(scheme.verify),
    places: signingPlaces(preset, secrets, scheme),
  }))
  const usable = all.some(({ places }) => places.length > 0)
  return all.map(({ scheme, bound, places }) => {
    // A source with no secret at all fails as its scheme says.
    if (places.length === 0 && (usable || all.length > 1)) {
      if (!usable) bound.scheme.prover(bound.config, [], deps)
      return { scheme, places }
    }
    const own = places.map((at) => secrets[at] ?? '')
    return { scheme, places, prove: bound.scheme.prover(bound.config, own, deps) }
  })
}

const startOf = (body: Uint8Array): string => Buffer.from(body.subarray(0, 64)).toString('latin1')

/** Type, id and nonce of what is proven; the body is parsed here at the earliest. */
const genuine = (preset: Preset, scheme: PresetScheme, view: View, proof: Proof): Genuine => {
  const proven = proof.proven ?? {}
  const from = scheme.deliveryId ?? preset.deliveryId
  const found = from && pick(from, view, proven)
  const deliveryId = found === undefined ? undefined : idOf(found)
  const idCovered = deliveryId !== undefined && (scheme.idCovered ?? preset.idCovered)
  const { body } = view.request
  const nonce =
    idCovered && deliveryId !== undefined
      ? `id:${deliveryId}`
      : sha256Hex([
          ...proof.signed,
          // What is not signed cannot tell a replay from another event: two events of one token differ here.
          ...(proof.signed.length === 0 ? [deliveryId ?? '', '\n'] : []),
          ...(proof.bodyCovered ? [] : [body]),
        ])
  const { toleranceMs } = proof
  const window = deliveryId === undefined ? FIVE_MINUTES : DAY
  const type = typeOf(pick(preset.type, view, proven) ?? preset.defaultType)
  const parsed = view.peek()
  return {
    ok: true,
    type,
    ...(deliveryId !== undefined && { deliveryId }),
    nonce,
    // Both edges of the tolerance count: without the one the last of them would be open.
    nonceTtlMs: toleranceMs === undefined ? window : 2 * toleranceMs + SKEW + 1,
    ...(toleranceMs !== undefined && { toleranceMs }),
    idCovered,
    bodyCovered: proof.bodyCovered,
    scheme: scheme.verify.scheme,
    ...(proof.secretIndex !== undefined && { secretIndex: proof.secretIndex }),
    ...(parsed && { data: parsed.value }),
  }
}

export const methodsOf = (preset: Preset): readonly string[] => [
  'POST',
  ...(preset.handshakes?.some(({ kind }) => kind !== 'body') ? ['GET'] : []),
  ...(preset.methods ?? []),
]

/** Checks settings and secrets now, so that a bad source is refused when it is configured. */
export const createVerifier = (options: VerifierOptions): Verifier => {
  const preset = presetOf(options)
  const deps: SchemeDeps = {
    minSecretBytes: options.minSecretBytes ?? MIN_SECRET_BYTES,
    ...(options.fetchKey && { fetchKey: options.fetchKey }),
  }
  const ways = waysOf(preset, options.secrets, deps)
  if (asksForToken(preset))
    options.secrets.forEach((secret, index) => {
      if (secret.startsWith(TOKEN_MARK)) checkStrength(secret.slice(TOKEN_MARK.length), index, deps)
    })

  const prove = async (view: View, now: number): Promise<Verified> => {
    const way = ways.find(({ scheme }) => !scheme.when || claims(view, scheme.when))
    if (!way) return refuse('missing', 'signature')
    const { scheme, places } = way
    if (!way.prove) return refuse('mismatch', `no secret of the kind ${scheme.name}`)
    if (scheme.unlike?.test(startOf(view.request.body)))
      return refuse('mismatch', 'body that another scheme signs')
    const proved = way.prove(view, now)
    const proof = proved instanceof Promise ? await proved : proved
    if (!proof.ok) return proof
    const place = proof.secretIndex === undefined ? undefined : places[proof.secretIndex]
    const result = genuine(preset, scheme, view, {
      ...proof,
      ...(place !== undefined && { secretIndex: place }),
    })
    const secret = place === undefined ? undefined : options.secrets[place]
    return bodyHandshake(preset.handshakes ?? [], view, secret, result)
  }

  return {
    provider: preset.name,
    methods: methodsOf(preset),
    dedupeWindowMs: { withId: preset.dedupeWindowMs ?? DAY, withoutId: FIVE_MINUTES },
    patienceMs: preset.patienceMs,
    keepHeaders: preset.keep,
    verify: (request: RawRequest, now: number) => {
      const view = viewOf(request)
      return request.method === 'GET' && preset.handshakes?.some(({ kind }) => kind !== 'body')
        ? getHandshake(preset.handshakes, view, options.secrets, () => prove(view, now))
        : prove(view, now)
    },
  }
}
