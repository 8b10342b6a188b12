/** Where a record is in the log. Offsets are whole numbers below 2^53. */
export interface Position {
  topic: string
  partition: number
  offset: number
}

/** How an event was verified at the edge. */
export interface Verification {
  /** Verifier that proved it: `hmac`, `standard-webhooks`, `jwt`, `token` … */
  scheme: string
  /** Whether the signature covers the body. */
  bodyCovered: boolean
  /** Whether the signature covers the provider's delivery id. */
  idCovered: boolean
  /** Which of the source's live secrets verified, from 0; says nothing of its value. */
  secretIndex?: number
}

export interface Event<D = unknown> {
  /** UUIDv7, minted once at ingress. */
  readonly id: string
  readonly tenant: string
  readonly source: string
  /** Preset that verified it, or the scheme's name for a source spelled out in configuration. */
  readonly provider: string
  /** The provider's own event type, for instance `check_run.completed`. */
  readonly type: string
  /** Log key: order holds per key. */
  readonly key: string
  readonly dedupeKey: string
  /** Window in which a second event with the same dedupe key is a duplicate, by `receivedAt`, in ms. */
  readonly dedupeWindowMs: number
  /** The provider's own id of this delivery, where it has one. */
  readonly deliveryId?: string
  /** Milliseconds since the epoch, ingress clock. */
  readonly receivedAt: number
  readonly contentType: string
  /** Allow-listed headers, lower-case names; never a signature, token or `authorization`. */
  readonly headers: Readonly<Record<string, string>>
  /** The body exactly as it was verified. */
  readonly raw: Uint8Array
  /** Parsed body: JSON, or a form as an object of strings; `undefined` when it is neither. Parsed once, lazily. */
  readonly data: D
  /** Added by enrich (`severity`, `category`, …) and score (`urgency`, …), JSON values only. */
  readonly facts: Readonly<Record<string, unknown>>
  readonly verification: Verification
  readonly traceparent?: string
  readonly tracestate?: string
  /** Where it lies in `received`; set by the runner when it reads it, absent before. */
  readonly origin?: Position
}

/** One event on its way to one destination. */
export interface Dispatch {
  /** Hash of (tenant, source, identity, destination); the outbound `webhook-id`. */
  readonly id: string
  readonly event: Event
  readonly destination: string
  readonly route: string
  /** Registry revision that decided it. */
  readonly revision: string
  /** JSONata of the route, if any; runs in the connector's process. */
  readonly transform?: string
  /** Log key: `destination` and ordering key where the destination is ordered, else the dispatch id. */
  readonly key: string
  /** `live`, or the id of a replay. */
  readonly run: string
  /** Attempts already made. */
  readonly attempt: number
  /** When the dispatch was decided, ms. */
  readonly createdAt: number
  /** Not to be attempted before, ms; 0 is now. */
  readonly notBefore: number
}

export type Verdict =
  | 'accepted' // verified and durable
  | 'pass' // a stage hands it on
  | 'drop' // ends here, with a declared reason
  | 'dispatch' // route: on its way to one destination
  | 'retry' // an attempt failed and another will follow
  | 'delivered'
  | 'dead'

/** What a step did with an event, and why. */
export interface Decision {
  /** Hash of (event id, dispatch id, stage, attempt, run). */
  readonly id: string
  /** `ingress`, a stage's name, or `deliver`. */
  readonly stage: string
  readonly verdict: Verdict
  /** A declared reason of the step, snake_case: `duplicate`, `no_route`, `http_503` … */
  readonly reason: string
  readonly score?: number
  readonly model?: string
  readonly route?: string
  readonly destination?: string
  readonly dispatchId?: string
  readonly attempt?: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly tookMs: number
  /** JSON values only; never a secret. */
  readonly details: Readonly<Record<string, unknown>>
}

/** The decisions of one event made together: one record of the topic `decisions`. */
export interface DecisionSet {
  readonly tenant: string
  readonly source: string
  readonly eventId: string
  readonly type: string
  readonly receivedAt: number
  readonly run: string
  readonly decisions: readonly Decision[]
}

/** A dead letter: what could not be processed or delivered, with its cause and its bytes. */
export interface Dead {
  /** Hash of the origin's position, or of the dispatch and its run. */
  readonly id: string
  /** Empty when the record could not be decoded. */
  readonly tenant: string
  readonly source: string
  readonly eventId: string
  readonly dispatchId?: string
  readonly destination?: string
  /** Stage that gave up, or `deliver`. */
  readonly stage: string
  /** An error code of the catalogue. */
  readonly code: string
  readonly message: string
  readonly at: number
  readonly origin: Position
  readonly originHeaders: Readonly<Record<string, string>>
  /** Value of the record that died, as it was in the log. */
  readonly original: Uint8Array
}
