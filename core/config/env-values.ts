import { isIP } from 'node:net'

import { parseDuration } from './units.ts'

/** Where a value came from, strongest first. */
export type Origin = 'flag' | 'environment' | 'file' | 'default'

export type Environment = Readonly<Record<string, string | undefined>>

/** The value, or in words what was expected instead. */
export type Parse<T> = (text: string) => { value: T } | { expected: string }

const url =
  (...protocols: readonly string[]): Parse<string> =>
  (text) => {
    const expected = `a URL with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`
    try {
      const { protocol, hostname } = new URL(text)
      // A list of URLs can pass for one whose host has commas in it.
      const good = protocols.includes(protocol) && hostname !== '' && !hostname.includes(',')
      return good ? { value: text } : { expected }
    } catch {
      return { expected }
    }
  }

const http = url('http:', 'https:')

/** What paths are put behind, and what others are told: without a slash at the end. */
const baseUrl: Parse<string> = (text) => {
  const found = http(text)
  if ('expected' in found) return found
  const { username, password, search, hash } = new URL(text)
  return username + password + search + hash === '' && !/[?#]$/.test(text)
    ? { value: text.replace(/\/+$/, '') }
    : { expected: 'a URL without user, password, query or fragment' }
}

const oneOf =
  <const T extends string>(...values: readonly T[]): Parse<T> =>
  (text) => {
    const value = values.find((each) => each === text.toLowerCase())
    return value === undefined ? { expected: values.join(' or ') } : { value }
  }

const broker = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):(\d{1,5})$/

const brokers: Parse<readonly string[]> = (text) => {
  const value = text.split(',').map((part) => part.trim())
  const good = value.every((part) => {
    const [, port] = broker.exec(part) ?? []
    return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535
  })
  return good ? { value } : { expected: 'host:port, or several with commas between' }
}

/** Addresses and CIDRs. */
const ranges: Parse<readonly string[]> = (text) => {
  const value = text.split(',').map((part) => part.trim())
  const good = value.every((part) => {
    const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(part) ?? []
    const version = isIP(address)
    return version !== 0 && Number(bits ?? 0) <= (version === 4 ? 32 : 128)
  })
  return good ? { value } : { expected: 'an address or a CIDR, or several with commas between' }
}

const pairs: Parse<Readonly<Record<string, string>>> = (text) => {
  const expected = 'key=value, or several with commas between'
  const found: [string, string][] = []
  for (const part of text.split(',')) {
    const equals = part.indexOf('=')
    const key = part.slice(0, Math.max(0, equals)).trim()
    if (key === '') return { expected }
    try {
      found.push([key, decodeURIComponent(part.slice(equals + 1).trim())])
    } catch {
      return { expected }
    }
  }
  return { value: Object.fromEntries(found) }
}

const weights: Parse<ReadonlyMap<string, number>> = (text) => {
  const parsed = pairs(text)
  const found = 'value' in parsed ? Object.entries(parsed.value) : []
  const good = found.every(
    ([, weight]) => /^\d{1,4}(\.\d{1,3})?$/.test(weight) && Number(weight) > 0,
  )
  return found.length > 0 && good
    ? { value: new Map(found.map(([name, weight]) => [name, Number(weight)])) }
    : { expected: 'name=weight with weights above 0, or several with commas between' }
}

const words: Readonly<Record<string, boolean>> = {
  true: true,
  '1': true,
  yes: true,
  on: true,
  false: false,
  '0': false,
  no: false,
  off: false,
}

export const parsers = {
  text: ((text) => ({ value: text })) as Parse<string>,
  port: ((text) =>
    /^\d{1,5}$/.test(text) && Number(text) <= 65_535
      ? { value: Number(text) }
      : { expected: 'a whole number from 0 to 65535' }) as Parse<number>,
  flag: ((text) => {
    const word = text.toLowerCase()
    const value = Object.hasOwn(words, word) ? words[word] : undefined
    return value === undefined ? { expected: 'true or false' } : { value }
  }) as Parse<boolean>,
  /** In milliseconds. */
  duration: ((text) => {
    const value = parseDuration(text)
    return value === undefined ? { expected: 'a duration such as 500ms, 30s or 5m' } : { value }
  }) as Parse<number>,
  /** Set to anything, as https://no-color.org asks. */
  present: (() => ({ value: true })) as Parse<boolean>,
  topicPrefix: ((text) =>
    /^[a-z0-9]([a-z0-9.-]{0,98}[a-z0-9])?$/.test(text)
      ? { value: text }
      : { expected: 'lower-case letters, digits, dots and dashes' }) as Parse<string>,
  url,
  baseUrl,
  oneOf,
  brokers,
  ranges,
  pairs,
  weights,
  /** As OpenTelemetry asks of its switches: nothing but `true`, in any case, is true. */
  onlyTrue: ((text) => ({ value: text.trim().toLowerCase() === 'true' })) as Parse<boolean>,
}
