import { equalBytes, fingerprint } from './compare.ts'
import { textSecrets } from './secrets.ts'
import { type Prove, type Refused, refuse, type SchemeDeps, type View } from './types.ts'

/** Compares what a request presents with each live secret; nothing of the request is covered by it. */
export const staticProver = (
  secrets: readonly string[],
  deps: SchemeDeps,
  presented: (view: View) => string | Refused,
): Prove => {
  const expected = textSecrets(secrets, deps).map(fingerprint)
  return (view) => {
    const value = presented(view)
    if (typeof value !== 'string') return value
    const actual = fingerprint(value)
    const secretIndex = expected.findIndex((each) => equalBytes(each, actual))
    return secretIndex < 0
      ? refuse('mismatch', 'credential')
      : { ok: true, signed: [], bodyCovered: false, secretIndex }
  }
}

/** The credentials of an Authorization header of one scheme; the scheme's name in any case (RFC 9110). */
export const credentials = (value: string, scheme: string): string | Refused => {
  const at = value.indexOf(' ')
  if (at < 0 || value.slice(0, at).toLowerCase() !== scheme)
    return refuse('malformed', `header authorization is not ${scheme}`)
  const text = value.slice(at + 1).trim()
  return text === '' ? refuse('malformed', 'header authorization is empty') : text
}

export const staticReasons = {
  missing: 'The credential is not in the request',
  malformed: 'The credential cannot be read, or stands there twice',
  mismatch: 'No live secret is this credential',
} as const
