import type { ErrorEntry } from './entry.ts'

export const ingressErrors = {
  ZENHOOK_INGRESS_MALFORMED: {
    summary: 'The request is malformed',
    fix: 'Send one well-formed HTTP/1.1 request whose body is what its content type says',
  },
  ZENHOOK_INGRESS_UNAUTHORIZED: {
    summary: 'The request does not prove that it comes from the provider',
    fix: "Compare the source's secret with the provider's, and the sender's clock with ours",
  },
  ZENHOOK_INGRESS_NOT_FOUND: {
    summary: 'There is no such endpoint',
    fix: 'Check tenant and source in the address: /in/{tenant}/{source}',
  },
  ZENHOOK_INGRESS_METHOD_NOT_ALLOWED: {
    summary: 'The endpoint does not answer to this method',
    fix: 'Use a method of the Allow header',
  },
  ZENHOOK_INGRESS_TIMEOUT: {
    summary: 'The request did not arrive in time',
    fix: 'Send the whole request faster; a slow body is cut off',
  },
  ZENHOOK_INGRESS_LENGTH_REQUIRED: {
    summary: 'The request says nothing of the length of its body',
    fix: 'Send Content-Length, or chunked transfer coding',
  },
  ZENHOOK_INGRESS_BODY_TOO_LARGE: {
    summary: 'The body is larger than the source accepts',
    fix: "Send less, or raise the source's maxBody",
  },
  ZENHOOK_INGRESS_UNSUPPORTED_MEDIA: {
    summary: 'The content type or content coding of the body is not supported',
    fix: "Send JSON as UTF-8, and the body uncompressed unless the source's contentEncoding is set",
  },
  ZENHOOK_INGRESS_EXPECTATION_FAILED: {
    summary: 'The Expect header asks for something that is not supported',
    fix: 'Send no Expect header, or 100-continue',
  },
  ZENHOOK_INGRESS_RATE_LIMITED: {
    summary: 'Too many requests',
    fix: "Wait for Retry-After, or raise the source's rateLimit",
  },
  ZENHOOK_INGRESS_HEADERS_TOO_LARGE: {
    summary: 'The header fields of the request are too large',
    fix: 'Send less than 16 KiB of header fields',
  },
  ZENHOOK_INGRESS_NOT_READY: {
    summary: 'The endpoints are not known yet',
    fix: 'Send it again after Retry-After; /readyz?verbose says what is missing',
  },
  ZENHOOK_INGRESS_OVERLOADED: {
    summary: 'Too many requests are under way',
    fix: 'Send it again after Retry-After',
  },
  ZENHOOK_INGRESS_REPLAY_UNCHECKED: {
    summary: 'The state store is away, and the source refuses what it cannot check for replay',
    fix: "Bring the state store back, or set the source's replay to accept",
  },
  ZENHOOK_INGRESS_SECRET_UNAVAILABLE: {
    summary: 'What the source needs to verify requests cannot be read now',
    fix: "Check the source's secrets: each reference must name something that can be read",
  },
  ZENHOOK_INGRESS_UNAVAILABLE: {
    summary: 'The event could not be stored',
    fix: 'Send it again after Retry-After; the log is away and the spool is full, broken or off',
  },
  ZENHOOK_INGRESS_INTERNAL: {
    summary: 'Something unexpected happened',
    fix: 'Send it again after Retry-After; the log of the process tells more under the request_id',
  },
  ZENHOOK_INGRESS_SPOOL_FULL: {
    summary: 'The spool has no room for another record',
    fix: 'Bring the log back so that the spool drains; free space where its disk is full',
  },
  ZENHOOK_INGRESS_SPOOL_BROKEN: {
    summary: 'The spool cannot write to its folder',
    fix: 'Check the volume of the data folder',
  },
  ZENHOOK_INGRESS_SPOOL_LOCKED: {
    summary: 'Another process uses the spool folder',
    fix: 'Give each process a data folder of its own',
  },
} as const satisfies Record<string, ErrorEntry>
