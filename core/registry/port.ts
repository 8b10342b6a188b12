import type { ObjectKind, ObjectKinds, SecretRef, Snapshot } from './types.ts'

/** The data plane's view, built from the topic `registry` alone. */
export interface RegistryReader {
  /** Rejects with ZENHOOK_REGISTRY_NOT_READY until a whole revision was read (or found on disk). */
  snapshot(): Snapshot
  ready(): Promise<void>
  /** Whether the snapshot is what the log held at the start or newer. Until then it may lack what was published since. */
  caughtUp(): boolean
  /** Called after each switch to a new revision; gives a function that stops it. */
  onChange(listener: (snapshot: Snapshot) => void): () => void
  close(): Promise<void>
}

/** Publishes configuration: objects and a commit marker as one append, so that readers switch whole. */
export interface RegistryWriter {
  /** Replaces everything (`apply -f`), or changes single objects (the management API). */
  publish(change: Change): Promise<Published>
  /** What `publish` would change, without doing it. */
  diff(change: Change): Promise<readonly Difference[]>
}

export type AnyObject = { [K in ObjectKind]: { kind: K; spec: ObjectKinds[K] } }[ObjectKind]

export type Change =
  | { replace: readonly AnyObject[] }
  | {
      put?: readonly AnyObject[]
      delete?: readonly { kind: ObjectKind; tenant: string; name: string }[]
    }

export interface Published {
  revision: string
  changed: readonly Difference[]
}

export interface Difference {
  kind: ObjectKind
  tenant: string
  name: string
  action: 'create' | 'update' | 'delete'
  /** Paths of the fields that differ, for updates. */
  fields: readonly string[]
}

/** Resolves references within grants, when they are needed; values stay in the process that needs them. */
export interface Secrets {
  /** Rejects with ZENHOOK_REGISTRY_SECRET_MISSING or _FORBIDDEN. `file:` values are seen again within 5 s of a change. */
  resolve(tenant: string, ref: SecretRef): Promise<string>
}
