/** The matrix of faults: what each row does, how it is shown here, and in which length. */

export const lengths = ['ci', 'full', 'soak'] as const
export type Length = (typeof lengths)[number]

export interface PlannedRow {
  id: string
  what: string
  /** Why it cannot be shown here; absent for a row in scope. */
  waits?: string
}

const kubernetes = 'waits for the Kubernetes controller'

/** What each row does, in a few words, by its number. */
const whats: Readonly<Record<string, string>> = {
  F01: 'kill -9 of the leader of received, under load',
  F02: 'leader stopped for longer than a request, concurrent senders',
  F03: 'leader moves while batches span partitions',
  F04: 'clean restart of all brokers, one by one',
  F05: 'two of three brokers down',
  F06: 'every broker down at the start of the ingress',
  F07: 'controller quorum lost, brokers up',
  F08: 'disk full: a broker, the spool; torn tail',
  F09: 'network to the brokers: delay, resets, half-open',
  F10: 'producer fenced or out of order',
  F11: 'MESSAGE_TOO_LARGE from the broker',
  F12: 'topic deleted under load',
  F13: 'kill -9 of the ingress between ack and answer',
  F14: 'kill -9 of the ingress between nonce and ack',
  F15: 'SIGTERM of the ingress under load',
  F16: 'kill -9 of processors at each hook',
  F17: 'rebalance storm',
  F18: 'zombie: a processor stopped past its session',
  F19: 'a handler that is longer than its session',
  F20: 'poison records',
  F21: 'a record that ends the process',
  F22: 'dead letters cannot be written',
  F23: 'dead letters replayed twice',
  F24: 'kill -9 between poll and work',
  F25: 'offsets of the groups lost',
  F26: 'state store flushed',
  F27: 'a hot key',
  F28: 'scorer that stalls, throws, lies',
  F29: 'enrichment of hostile, wrong and huge payloads (by mappings alone: no outside source is asked)',
  F30: 'configuration changes while events are in flight',
  F31: 'clock jumps',
  F32: 'retention shorter than an outage',
  F33: 'Redis killed, slow, full, flushed',
  F34: 'Redis loses writes',
  F35: 'ClickHouse down, slow',
  F36: 'ClickHouse insert acknowledged late',
  F37: 'schema registry down',
  F38: 'Kubernetes API down',
  F39: 'hostile custom resources',
  F40: 'destination 429 with Retry-After',
  F41: 'destination 5xx',
  F42: 'destination hangs, drips, never ends',
  F43: 'destination resets after the request',
  F44: '2xx with an error inside',
  F45: 'destination 4xx',
  F46: 'destination redirects',
  F47: 'one dead destination of twenty',
  F48: 'retry backlog after a long outage',
  F49: 'the same event over and over',
  F50: 'requests of every preset: genuine, tampered, stale, rotated, malformed',
  F51: 'JWT attacks',
  F52: 'secret rotation',
  F53: 'JWKS endpoint: unknown, slow, huge',
  F54: 'comparison time',
  F55: 'verification before parsing',
  F56: 'exact replay inside the window',
  F57: 'replay after the window',
  F58: 'the same id with another body',
  F59: 'the same id from two tenants or sources',
  F60: 'replay racing over several ingress processes',
  F61: 'replay at the edge of the nonce life',
  F62: 'flood of bad signatures',
  F63: 'mTLS',
  F64: 'challenge handshakes',
  F65: 'empty or short secrets',
  F66: "a tenant's credential on another's path",
  F67: 'admin endpoints on the public listener (roles wait for their own work)',
  F68: 'hostile HTTP requests',
  F69: 'JSON parsing vectors',
  F70: 'body sizes at the limit, and lies about them',
  F71: 'request smuggling',
  F72: 'spoofed forwarding headers',
  F73: 'slow senders',
  F74: 'prototype pollution, internal fields',
  F75: 'deep, wide and huge JSON',
  F76: 'compression bombs',
  F77: 'log and metric injection',
  F78: 'injection into destinations',
  F79: 'regular expressions without an end',
  F80: 'private and disguised addresses',
  F81: 'DNS rebinding',
  F82: 'redirects to inside and across hosts',
  F83: 'loops of destinations',
  F84: 'bad TLS of destinations',
  F85: 'ambient proxy settings',
  F86: 'rules that copy secrets',
  F87: 'processors that try to connect out',
  F88: 'hostile configuration (by kubectl: waits for the Kubernetes controller)',
  F89: 'twice the rated load',
  F90: 'one tenant floods',
  F91: 'soak with a fault every 30 s',
  F92: 'cold start in any order, restart amid load',
  F93: 'mixed versions of records',
  F94: 'few descriptors, little memory',
}

const waiting: Readonly<Record<string, string>> = {
  F38: kubernetes,
  F39: kubernetes,
  F63: 'waits for mTLS of the listeners',
}

export const matrix: readonly PlannedRow[] = Object.entries(whats).map(([id, what]) => ({
  id,
  what,
  ...(waiting[id] !== undefined && { waits: waiting[id] }),
}))

const numbered = (first: number, last: number): string[] =>
  Array.from(
    { length: last - first + 1 },
    (_, index) => `F${String(first + index).padStart(2, '0')}`,
  )

/** `F05, F06`, `F16/F24`, `F40–F45`: every number that is meant. */
export const rowsIn = (text: string): string[] =>
  [...text.matchAll(/F(\d\d)(?:\s*[-–]\s*F(\d\d))?/g)].flatMap(([, first, last]) =>
    numbered(Number(first), Number(last ?? first)),
  )

/** Rows that a test's name begins with, as in `F16, F24: the instance is killed`. */
export const rowsOfTitle = (title: string): string[] => {
  const [, head] = /^(F\d\d(?:(?:\s*[-–,/]\s*|\s+and\s+)F\d\d)*)\s*:/.exec(title) ?? []
  return head === undefined ? [] : rowsIn(head)
}

const ciRows = new Set(
  rowsIn('F01-F03 F05 F06 F13 F14 F16-F18 F20 F24 F33 F35 F37 F40-F45 F49 F56 F60 F71 F75 F80-F82'),
)

/** Whether a row belongs to a length; what lies outside may still be asked for by name. */
export const belongs = (id: string, length: Length): boolean => {
  if (length === 'soak') return id === 'F91'
  return length === 'full' || ciRows.has(id)
}
