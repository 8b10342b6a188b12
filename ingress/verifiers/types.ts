import type { ComponentSpec } from '../../core/config/component.ts'

/** A request as it came, before anything was parsed. */
export interface RawRequest {
  readonly method: string
  /** Absolute public URL with its query, as it is configured; never made from the Host header. */
  readonly url: string
  readonly path: string
  /** Without the question mark. */
  readonly query: string
  /** As sent and in order: duplicates kept, nothing joined. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** The bytes that the sender signed. */
  readonly body: Uint8Array
  /** What they hold, where they are compressed; otherwise the same as `body`. */
  readonly content?: Uint8Array
}

/** A provider's handshake, answered by us; nothing of it becomes an event. */
export interface HandshakeReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly deliver: false
}

export type RefusalReason = 'missing' | 'malformed' | 'mismatch' | 'stale'

export interface Refused {
  readonly ok: false
  readonly reason: RefusalReason
  /** The step that failed, for the signature debugger; never a secret, never a digest. */
  readonly step: string
}

export interface Genuine {
  readonly ok: true
  readonly type: string
  /** The provider's own id of this delivery, where it has one. */
  readonly deliveryId?: string
  /** What a replay repeats: the covered delivery id, else a digest of what was signed. */
  readonly nonce: string
  /** How long a nonce has to be remembered, in ms: more than twice the tolerance, so that no gap is left. */
  readonly nonceTtlMs: number
  /** How far the signed time may lie from ours, in ms; absent where nothing signed tells the time. */
  readonly toleranceMs?: number
  readonly idCovered: boolean
  readonly bodyCovered: boolean
  /** The scheme that proved it. */
  readonly scheme: string
  /** Which of the source's live secrets verified, from 0. */
  readonly secretIndex?: number
  /** Set for a handshake: answer this and deliver nothing. */
  readonly respond?: HandshakeReply
  /** The parsed body, where finding type and id parsed it already. */
  readonly data?: unknown
}

export type Verified = Genuine | Refused

export interface Verifier {
  /** Preset, or scheme for a source that spells one out. */
  readonly provider: string
  /** Methods that its requests may have; any other is answered 405. */
  readonly methods: readonly string[]
  readonly dedupeWindowMs: { readonly withId: number; readonly withoutId: number }
  /** How long the sender waits for an answer, in ms. */
  readonly patienceMs: number
  /** Headers that may be kept with the event, lower-case; never a signature or a token. */
  readonly keepHeaders: readonly string[]
  /** Never rejects for what a request contains; `now` in ms. Rejects only when a key cannot be fetched. */
  verify(request: RawRequest, now: number): Promise<Verified>
}

/** A request with its headers indexed, and its body parsed at most once. */
export interface View {
  readonly request: RawRequest
  /** Every value of a header in order; the name in lower case. */
  all(name: string): readonly string[]
  /** Lower-case names in order of first appearance. */
  names(): readonly string[]
  /** JSON, or a form as an object of strings; `undefined` when it is neither. */
  body(): unknown
  /** The parsed body if it was parsed. */
  peek(): { readonly value: unknown } | undefined
}

/** What a scheme proved. */
export interface Proof {
  readonly ok: true
  /** What was signed, in parts: its digest is the nonce where no covered id is. */
  readonly signed: readonly (string | Uint8Array)[]
  readonly bodyCovered: boolean
  readonly secretIndex?: number
  readonly toleranceMs?: number
  /** Values that the signature covers: `id`, claims. */
  readonly proven?: Readonly<Record<string, string>>
}

export type Prove = (view: View, now: number) => Proof | Refused | Promise<Proof | Refused>

/** A request on its way to be signed. */
export interface Draft {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array
}

export interface SignContext {
  readonly now: number
  /** Delivery id for schemes whose signature carries one. */
  readonly id: string
}

export interface SecretPair {
  /** Signs; stays with the sender. */
  readonly signing: string
  /** Verifies; the same as `signing` in symmetric schemes. */
  readonly verifying: string
}

export interface SchemeDeps {
  /** Fetches a verification key (certificate, JWKS) as text, through the guarded client. */
  readonly fetchKey?: (url: string) => Promise<string>
  /** Shortest secret accepted, in bytes. */
  readonly minSecretBytes: number
}

/** An algorithm: checks its settings and secrets once, then proves requests. */
export interface Scheme<C> {
  readonly spec: ComponentSpec<C>
  /** Throws ZENHOOK_VERIFY_* on secrets that cannot work. */
  prover(config: C, secrets: readonly string[], deps: SchemeDeps): Prove
  /** Signs as the provider would. */
  sign(config: C, secret: string, draft: Draft, context: SignContext): Draft
  generate(config: C): SecretPair
}

export const refuse = (reason: RefusalReason, step: string): Refused => ({
  ok: false,
  reason,
  step,
})
