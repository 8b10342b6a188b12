import type { ErrorEntry } from './entry.ts'

export const verifyErrors = {
  ZENHOOK_VERIFY_UNKNOWN_PROVIDER: {
    summary: 'There is no such provider',
    fix: 'See zenhook providers list, or spell a scheme out under verify',
  },
  ZENHOOK_VERIFY_UNKNOWN_SCHEME: {
    summary: 'There is no such verification scheme',
    fix: 'Use a scheme of docs/reference, or name a provider',
  },
  ZENHOOK_VERIFY_NO_SCHEME: {
    summary: 'A source says neither its provider nor its scheme',
    fix: 'Set provider to a preset, or verify.scheme to a scheme; nothing is accepted unverified',
  },
  ZENHOOK_VERIFY_SETTINGS: {
    summary: 'The settings of a verification scheme are not valid',
    fix: 'Correct the named setting; docs/reference lists those of each scheme',
  },
  ZENHOOK_VERIFY_SECRET_MISSING: {
    summary: 'A source has no secret to verify with',
    fix: 'Give the source at least one secret',
  },
  ZENHOOK_VERIFY_SECRET_WEAK: {
    summary: 'A secret is empty or too short',
    fix: 'Use a random secret of at least 16 characters, and set the same at the provider',
  },
  ZENHOOK_VERIFY_SECRET_FORM: {
    summary: 'A secret is not in the form that its scheme needs',
    fix: 'Copy it from the provider whole; zenhook providers show says what it looks like',
  },
  ZENHOOK_VERIFY_KEY_FETCH: {
    summary: 'A verification key cannot be fetched',
    fix: 'Check that its host can be reached and is on the allow-list; the sender will try again',
  },
  ZENHOOK_VERIFY_CANNOT_SIGN: {
    summary: 'A request cannot be signed with this secret',
    fix: 'Sign with a secret of the kind the provider uses: a private key where verification takes a public one',
  },
  ZENHOOK_VERIFY_RECORD: {
    summary: 'A record to verify is not valid',
    fix: 'Give provider, secrets, headers and body; see zenhook verify --help',
  },
} as const satisfies Record<string, ErrorEntry>
