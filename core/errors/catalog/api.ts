import type { ErrorEntry } from './entry.ts'

export const apiErrors = {
  ZENHOOK_API_UNAUTHORIZED: {
    summary: 'The admin listener wants its token',
    fix: 'Send Authorization: Bearer with the token of the data folder or ZENHOOK_TOKEN',
  },
  ZENHOOK_API_FORBIDDEN_HOST: {
    summary: 'The admin listener does not answer to this name',
    fix: 'Call it as 127.0.0.1 or localhost: other names are refused on loopback (DNS rebinding)',
  },
  ZENHOOK_API_FORBIDDEN_ORIGIN: {
    summary: 'A page of another origin asks for it',
    fix: 'Ask from a command line, or from a page of the admin listener itself',
  },
  ZENHOOK_API_NOT_FOUND: {
    summary: 'There is no such object',
    fix: 'Check its name; list what exists with GET on the collection',
  },
  ZENHOOK_API_NO_ROLE: {
    summary: 'This process does not have the role api',
    fix: 'Ask a process that has it (--url), or give it to this one with --roles',
  },
  ZENHOOK_API_INVALID: {
    summary: 'The request is not valid',
    fix: 'Read errors: each names the place and what is wrong with it',
  },
  ZENHOOK_API_TOO_LARGE: {
    summary: 'The body of the request is too large',
    fix: 'Send less; publish single objects with PUT /v1/registry/{kind}/{tenant}/{name}: apply replaces the whole configuration',
  },
  ZENHOOK_API_CONFLICT: {
    summary: 'The object changed since it was read',
    fix: 'Read it again and repeat the change with the new ETag',
  },
  ZENHOOK_API_IN_USE: {
    summary: 'Other objects refer to the object',
    fix: 'Change or remove what refers to it first; the answer names it',
  },
  ZENHOOK_API_IDEMPOTENCY_REUSED: {
    summary: 'The idempotency key belongs to another request',
    fix: 'Use a new Idempotency-Key for each new request; the same one only to repeat a request as it was',
  },
  ZENHOOK_API_IDEMPOTENCY_UNDER_WAY: {
    summary: 'The first request with this idempotency key is still under way',
    fix: 'Repeat it after Retry-After: the answer of the first is given again once it is there',
  },
  ZENHOOK_API_RATE_LIMITED: {
    summary: 'Too many requests with this token',
    fix: 'Wait for Retry-After; RateLimit and RateLimit-Policy say what is left and what is granted',
  },
  ZENHOOK_API_UNAVAILABLE: {
    summary: 'Something that this answer needs is away',
    fix: 'Try again after Retry-After; /readyz?verbose says what is missing',
  },
  ZENHOOK_API_INTERNAL: {
    summary: 'The request failed for a reason of ours',
    fix: 'Look for the request_id in the logs and report it',
  },
} as const satisfies Record<string, ErrorEntry>
