import type { Pick } from '../verifiers/pick.ts'

/** Tells by the request whether it claims a scheme. All that is named must hold. */
export interface Claim {
  readonly header?: string
  /** With `header`: its value. */
  readonly equals?: string
  /** With `header`: how its value begins, in any case. */
  readonly begins?: string
  /** A header that is not there. */
  readonly without?: string
  /** Name of a parameter of the query. */
  readonly query?: string
}

/** One of a provider's schemes, strongest first: a request is held to the first that it claims. */
export interface PresetScheme {
  readonly name: string
  /** Absent on the last: whatever claims no other scheme is held to this one. */
  readonly when?: Claim
  /** Which of the source's secrets are of this scheme; all where absent. */
  readonly secrets?: {
    readonly startsWith?: string
    /** What they do not start with. */
    readonly without?: string
    readonly contains?: string
  }
  /** Which drafts it signs when a sender is simulated; any where absent. */
  readonly signs?: {
    readonly contentType?: string
    /** A path into the body that is there, or that is not. */
    readonly body?: string
    readonly withoutBody?: string
  }
  /** Settings of a verifier: `{scheme: 'hmac', …}`. */
  readonly verify: Readonly<Record<string, unknown>> & { readonly scheme: string }
  /** How a body begins that this scheme never signs, because what another one signs begins so: time and body in one. */
  readonly unlike?: RegExp
  readonly deliveryId?: Pick
  readonly idCovered?: boolean
  readonly bodyCovered?: boolean
}

export type ReplyValue =
  | { readonly body: string }
  | { readonly text: string | number }
  /** HMAC-SHA256 in hex of a field, with the secret that verified the request. */
  | { readonly hmac: string }

export type Handshake =
  /** GET with a token and a challenge in the query; the token is one of the source's secrets. */
  | {
      readonly kind: 'query'
      readonly mode: readonly [name: string, value: string]
      readonly token: string
      readonly challenge: string
    }
  /** GET with a challenge in a header, answered as a member of JSON; the credential has to be right. */
  | { readonly kind: 'header'; readonly header: string; readonly reply: string }
  /** A verified request that asks for an answer instead of being an event. */
  | {
      readonly kind: 'body'
      readonly when: Readonly<Record<string, string>>
      /** Paths that are not there in a handshake. */
      readonly unless?: readonly string[]
      readonly reply:
        | { readonly status: number }
        | { readonly text: ReplyValue }
        | { readonly json: Readonly<Record<string, ReplyValue>> }
    }

export interface Sample {
  readonly type: string
  readonly method?: string
  readonly contentType?: string
  /** Headers beside the signature's own. */
  readonly headers?: Readonly<Record<string, string>>
  /** JSON value, or text as it is. */
  readonly body: unknown
}

/**
 * What a preset was checked against: values that the vendor publishes, the vendor's own library (it accepts what we
 * sign, and we what it signs), the words of its documentation or of public code that implements it, or nothing.
 */
export type Checked = 'vector' | 'library' | 'documentation' | 'none'

export interface Evidence {
  readonly checked: Checked
  /** The page, or the package and its version. */
  readonly source: string
  readonly url: string
}

/** Everything Zenhook knows of a provider's webhooks, as data. */
export interface Preset {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly title: string
  /** The vendor's page on its signatures. */
  readonly docs: string
  /** Why its recipe is believed. */
  readonly evidence: Evidence
  readonly schemes: readonly [PresetScheme, ...PresetScheme[]]
  readonly deliveryId?: Pick
  /** Whether the signature covers the delivery id, and the whole body. */
  readonly idCovered: boolean
  readonly bodyCovered: boolean
  readonly type: Pick
  /** Type of an event that does not say its own. */
  readonly defaultType: string
  /** How long the sender waits for an answer, in ms. */
  readonly patienceMs: number
  /** Where the provider's ids ask for another window than 24 h. */
  readonly dedupeWindowMs?: number
  /** Headers kept with the event, lower-case; never a signature or a token. */
  readonly keep: readonly string[]
  /** Methods beside POST (and GET, where a handshake needs it). */
  readonly methods?: readonly string[]
  readonly handshakes?: readonly Handshake[]
  /** Where its secret is found and what it looks like. */
  readonly secret: string
  /** What its signature leaves open, and what else one would not expect. Whole sentences. */
  readonly notes?: readonly string[]
  readonly samples: readonly [Sample, ...Sample[]]
}
