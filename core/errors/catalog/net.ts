import type { ErrorEntry } from './entry.ts'

export const netErrors = {
  ZENHOOK_NET_URL_REFUSED: {
    summary: 'The URL is not one that Zenhook connects to',
    fix: 'Use http or https with a plain host name: no user info, no trailing dot, no disguised address',
  },
  ZENHOOK_NET_ADDRESS_DENIED: {
    summary: 'The address behind the URL may not be reached from here',
    fix: 'Use a public address; for a private one say allowPrivate: true and let the operator grant its range with --allow-private',
  },
  ZENHOOK_NET_UNRESOLVED: {
    summary: 'The host name cannot be resolved',
    fix: 'Check the host name and the DNS servers of this machine',
  },
  ZENHOOK_NET_REQUEST_REFUSED: {
    summary: 'The request cannot be sent as it is',
    fix: 'Check method and headers: no line breaks, and none of the headers that belong to the connection',
  },
  ZENHOOK_NET_TIMEOUT: {
    summary: 'The other side did not answer completely in time',
    fix: 'Make it answer at once and do its work later; it is tried again',
  },
  ZENHOOK_NET_CONNECTION_FAILED: {
    summary: 'The connection failed',
    fix: 'Check that the other side listens and can be reached; it is tried again',
  },
  ZENHOOK_NET_TLS_REFUSED: {
    summary: 'The certificate or the TLS version of the other side is not acceptable',
    fix: 'Give it a valid certificate for its name and TLS 1.2 or newer; own authorities go in NODE_EXTRA_CA_CERTS',
  },
  ZENHOOK_NET_CANCELLED: {
    summary: 'The request was cancelled from this side',
    fix: 'Nothing: this is no failure of the other side, and it is tried again',
  },
} as const satisfies Record<string, ErrorEntry>
