import type { Category, Severity, Status } from './facts.ts'

/**
 * How the payloads of one provider say what the facts say: data, no code. Paths are written as in
 * `path.ts`. Of a list of rules the first that gives a value counts.
 */
export interface Mapping {
  provider: string
  /**
   * Recognises the provider where the source does not name it (a scheme spelled out, a static token): one of
   * these groups must hold whole. Also what makes a source's name count as a hint.
   */
  detect: readonly Conditions[]
  /** Fields that hold JSON in a string: read as if it stood there unquoted. */
  json?: readonly string[]
  /** The first whose conditions hold: its rules come before those of `facts`. */
  kinds: readonly (FactRules & {
    when: Conditions
    kind: string
    /** What its fingerprint is of, where several kinds speak of one thing (a comment, of its issue). */
    about?: string
  })[]
  facts: FactRules
}

export type Conditions = Condition | readonly Condition[]

/** Of the event's type, of a header or of the body. Several keys of one condition must all hold. */
export interface Condition {
  /** The type itself, or its first dotted parts. */
  type?: string
  header?: string
  path?: string
  /** Equal to one of these; compared as text. */
  is?: string | readonly string[]
  /** None of these; what is not there is none of them. */
  not?: string | readonly string[]
  prefix?: string
  suffix?: string
  /** At least so much. */
  atLeast?: number
  /** Without any of the tests above a path must be there, or not. */
  absent?: true
}

/** One way to find a value. */
export interface Rule<T extends string = string> {
  when?: Conditions
  value?: T
  /** The first of these that is there. */
  path?: string | readonly string[]
  /** `{path}` is replaced; a template with a missing value gives nothing. `{a|b}` takes the first there. */
  template?: string
  /** The value of such a tag in a list of `name:value`, of pairs, or in a text of them. */
  tag?: string | readonly string[]
  /** Which elements count where a path has a `*`: conditions on the element itself, all where absent. */
  each?: Conditions
  /** Values of a path that say nothing: the next path is tried. */
  except?: readonly string[]
  /** The first part to be cut off the front. */
  strip?: readonly string[]
  /** Keeps what stands before this, and puts the template behind it; without it the rule gives nothing. */
  before?: { text: string; suffix: string }
  /** What the value means, in lower case; a value that is not in it gives nothing. */
  map?: Readonly<Record<string, T>>
}

/** How many things an event reports: the length of a list, of which `each` may leave some out, or a number. */
export interface Count {
  when?: Conditions
  path: string
  each?: Conditions
}

export type Rules<T extends string = string> = Rule<T> | readonly Rule<T>[]

/** Severities may come many at once (`*` in the path): the worst counts. */
export interface FactRules {
  severity?: Rules<Severity>
  category?: Rules<Category>
  status?: Rules<Status>
  resource?: Rules
  actor?: Rules
  title?: Rules
  url?: Rules
  environment?: Rules
  branch?: Rules
  /** What tells one problem from another. All parts count, also those that are missing. */
  fingerprint?: readonly Rules[]
  /** A list to be counted, or a number; of several the first whose conditions hold. */
  count?: string | Count | readonly Count[]
  test?: Conditions
}
