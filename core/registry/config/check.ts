import type { ErrorCode } from '../../errors/index.ts'
import { catalog } from '../../errors/index.ts'
import { topicDefaults } from '../../log/topics.ts'
import type { AnyObject } from '../port.ts'
import { badType, type Checking, isMap } from './checking.ts'
import { locate, type RawFault } from './document.ts'
import { unknownKey } from './issues.ts'
import type { Components } from './schema.ts'
import { checkTenant } from './tenant.ts'

/** One thing that is wrong, or that its author should know. */
export interface ConfigFault {
  file: string
  /** From 1. */
  line: number
  /** From 1, in UTF-16 units. */
  column: number
  code: ErrorCode
  message: string
  fix: string
}

export interface CheckedConfig {
  /** Empty when there are faults. */
  objects: readonly AnyObject[]
  /** Known by their codes; they do not fail a check. */
  warnings: readonly ConfigFault[]
  /** All of them, by line and column. */
  faults: readonly ConfigFault[]
}

export interface CheckOptions {
  /** `max.message.bytes` of the topics; bounds `maxBody`. */
  maxMessageBytes?: number
}

const maxBytes = 1_048_576
/** Room that an event's record needs beside its body: headers, facts, framing. */
const envelopeBytes = 262_144
const maxReported = 1_000
const maxSeparators = 100_000
const maxOpen = 500

/** What would cost seconds of parsing is refused by a look at its characters. */
const tooMuch = (text: string): string | undefined => {
  const size = Buffer.byteLength(text)
  if (size > maxBytes) return `the file has ${size} bytes, more than ${maxBytes}`
  let separators = 0
  let open = 0
  for (const character of text) {
    if (character === ',' || character === '\n') separators += 1
    else if (character === '[' || character === '{') open += 1
    else if (character === ']' || character === '}') open = Math.max(0, open - 1)
    if (open > maxOpen) return `brackets are nested more than ${maxOpen} deep`
  }
  return separators > maxSeparators ? 'the file holds too many values' : undefined
}

const checkFile = (checking: Checking): readonly AnyObject[] => {
  const { located } = checking
  const { data } = located
  if (!isMap(data)) {
    badType(checking, [], 'a map with the key tenants')
    return []
  }
  for (const key of Object.keys(data)) {
    if (key !== 'tenants') checking.fault(unknownKey(located, [key], ['tenants']))
  }
  const { tenants } = data
  if (!Object.hasOwn(data, 'tenants')) {
    const message = "'tenants' is missing"
    checking.fault({ offset: 0, code: 'ZENHOOK_CONFIG_MISSING_KEY', message })
    return []
  }
  if (tenants === null) return []
  if (!isMap(tenants)) {
    badType(checking, ['tenants'], 'a map of tenants')
    return []
  }
  return Object.entries(tenants).flatMap(([name, tenant]) => checkTenant(checking, name, tenant))
}

/**
 * Reads a configuration file whole: every fault with its place, never just the first, and the objects
 * when there is none. Never throws for what a file holds.
 */
export const checkConfig = (
  text: string,
  file: string,
  components: Components,
  { maxMessageBytes = topicDefaults.maxMessageBytes }: CheckOptions = {},
): CheckedConfig => {
  const refused = tooMuch(text)
  if (refused !== undefined) {
    const code = 'ZENHOOK_CONFIG_TOO_LARGE'
    const message = refused
    const fault = { file, line: 1, column: 1, code, message, fix: catalog[code].fix } as const
    return { objects: [], warnings: [], faults: [fault] }
  }
  const located = locate(text)
  const faults: RawFault[] = [...located.faults]
  const warnings: RawFault[] = []
  // Half-read YAML would give a second, misleading fault for each first one.
  const readable = !faults.some(({ code }) => code === 'ZENHOOK_CONFIG_SYNTAX')
  const objects = readable
    ? checkFile({
        located,
        components,
        largestBody: Math.max(0, maxMessageBytes - envelopeBytes),
        fault: (fault) => faults.push(fault),
        warn: (warning) => warnings.push(warning),
      })
    : []

  const placed = (raw: readonly RawFault[]): readonly ConfigFault[] =>
    raw
      .map(({ offset, code, message, fix = catalog[code].fix }) => {
        const position = located.position(offset)
        return { file, ...position, code, message, fix }
      })
      .sort((one, other) => one.line - other.line || one.column - other.column)
      .slice(0, maxReported)
  return {
    objects: faults.length === 0 ? objects : [],
    warnings: placed(warnings),
    faults: placed(faults),
  }
}
