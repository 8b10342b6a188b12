/** A reference to a secret, never its value: `env:NAME`, `file:/path`; `plain:` is replaced when read. */
export type SecretRef = string

export interface RateLimit {
  perSecond: number
  /** Bucket size; `perSecond` by default. */
  burst?: number
  /** Attempts in flight at once (destinations). */
  concurrent?: number
}

export interface Source {
  readonly tenant: string
  readonly name: string
  /** Name of a preset; absent where `verify` spells a scheme out. */
  readonly provider?: string
  /** A scheme spelled out, or settings of the preset: `{scheme: 'hmac', …}`; checked by the verifiers' own specs. */
  readonly verify?: Readonly<Record<string, unknown>>
  readonly secrets: readonly SecretRef[]
  /** `windowMs` and `key` (a JSON path into the body) override the preset's. */
  readonly dedupe: { readonly windowMs?: number; readonly key?: string }
  readonly rateLimit?: RateLimit
  /** Bytes. */
  readonly maxBody: number
  /** Compressed bodies are taken, and which of their bytes the sender signed; refused where absent. */
  readonly contentEncoding?: 'sent' | 'decoded'
  /** Answer to an event that is stored, duplicates included; 202 where absent. */
  readonly successStatus?: 200 | 202
  /** JSON path into the body: order holds per value. */
  readonly ordering?: string
  /** When the state store is away: refuse (`strict`), or accept and leave duplicates to the stage. */
  readonly replay: 'strict' | 'accept'
}

export interface Destination {
  readonly tenant: string
  readonly name: string
  /** Name of a connector. */
  readonly connector: string
  /** Checked by the connector's own spec. */
  readonly config: Readonly<Record<string, unknown>>
  readonly secrets: Readonly<Record<string, SecretRef | readonly SecretRef[]>>
  /** Delays before attempts 2, 3, …, in ms; an attempt past the last delay is not made. */
  readonly retry: { readonly attempts: number; readonly delaysMs: readonly number[] }
  readonly rateLimit?: RateLimit
  readonly ordered: boolean
  readonly allowPrivate: boolean
  /** No attempts are made; set by hand, or by a 410 of the receiver. */
  readonly disabled: boolean
}

export interface Route {
  readonly tenant: string
  readonly name: string
  /** Place in the tenant's list, from 0: routes apply in this order. */
  readonly index: number
  /** CEL over `event`, `facts` and `score`. */
  readonly when: string
  readonly to: readonly string[]
  /** JSONata, optional. */
  readonly transform?: string
  /** No later route applies once this one did. */
  readonly stop: boolean
  /** Applies only when no other route did. */
  readonly default: boolean
}

export interface ObjectKinds {
  source: Source
  destination: Destination
  route: Route
}
export type ObjectKind = keyof ObjectKinds

/** Everything that is configured, at one revision. Immutable. */
export interface Snapshot {
  /** Names the content: the same objects have the same revision. */
  readonly revision: string
  /** When the revision was published, ms. */
  readonly publishedAt: number
  tenants(): readonly string[]
  source(tenant: string, name: string): Source | undefined
  destination(tenant: string, name: string): Destination | undefined
  /** In order. */
  routes(tenant: string): readonly Route[]
  sources(): Iterable<Source>
  destinations(): Iterable<Destination>
}
