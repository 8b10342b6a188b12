import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Command, Option } from 'commander'
import { z } from 'zod'
import { isZenhookError, ZenhookError } from '../../core/errors/index.ts'
import type { BatchResult } from '../../ingress/verifiers/debug.ts'
import { collect, contextOf, parseJson, readInput, withGlobals } from '../context.ts'
import { describeError, listing, single, usage } from '../output.ts'
import { Negative } from '../run.ts'

interface Options {
  provider?: string
  secret?: readonly string[]
  header?: readonly string[]
  headers?: string
  body?: string
  method: string
  url: string
  at?: string
  batch?: string
}

// The verifiers are loaded by the commands that need them.
const debuggerOf = () => import('../../ingress/verifiers/debug.ts')

const headerValues = z.record(z.string(), z.union([z.string(), z.array(z.string())]))

const fromHeaderOption = (line: string): readonly [string, string] => {
  const colon = line.indexOf(':')
  if (colon < 1) throw usage(`--header '${line}' is not in the form 'Name: value'`)
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
}

const headersOf = async (options: Options): Promise<Record<string, string | string[]>> => {
  if (options.headers !== undefined && options.header !== undefined) {
    throw usage('--header and --headers exclude each other')
  }
  if (options.headers !== undefined) {
    const parsed = headerValues.safeParse(
      parseJson(await readInput(options.headers), options.headers),
    )
    if (parsed.success) return parsed.data
    throw new ZenhookError('ZENHOOK_CLI_INPUT', {
      message: `${options.headers} must be an object of header names to a value or a list of values`,
    })
  }
  const all = new Map<string, string[]>()
  for (const [name, value] of (options.header ?? []).map(fromHeaderOption)) {
    all.set(name, [...(all.get(name) ?? []), value])
  }
  return Object.fromEntries(all)
}

// The body is read as bytes: a signature covers them, whatever their encoding.
const bodyOf = async (path: string): Promise<string> => {
  if (path === '-') {
    const chunks: Uint8Array[] = []
    for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array)
    return Buffer.concat(chunks).toString('base64')
  }
  try {
    return (await readFile(path)).toString('base64')
  } catch (cause) {
    throw new ZenhookError('ZENHOOK_CLI_FILE', { message: `Cannot read ${path}`, cause })
  }
}

const lineOf = (result: BatchResult): string => `${JSON.stringify(result)}\n`

const tell = ({ ok, type, deliveryId, reason, step }: BatchResult): string =>
  ok
    ? `genuine: ${type ?? ''} ${deliveryId ?? ''}`.trimEnd().concat('\n')
    : `not genuine: ${reason} (${step})\n`

const verifyOne = async (options: Options, command: Command): Promise<void> => {
  const { streams, format } = contextOf(command)
  if (options.provider === undefined) throw usage('--provider is missing')
  if (options.secret === undefined) throw usage('--secret is missing')
  if (options.body === undefined) throw usage('--body is missing')
  if (options.body === '-' && options.headers === '-') {
    throw usage('--headers and --body cannot both be standard input')
  }
  if (options.at !== undefined && !/^\d{4}-\d\d-\d\dT.+(Z|[+-]\d\d:\d\d)$/i.test(options.at)) {
    throw usage(`--at '${options.at}' is not an RFC 3339 time such as 2026-01-31T12:00:00Z`)
  }
  const { verifyRecord } = await debuggerOf()
  const result = await verifyRecord({
    provider: options.provider,
    secrets: options.secret,
    method: options.method,
    url: options.url,
    headers: await headersOf(options),
    body: await bodyOf(options.body),
    bodyEncoding: 'base64',
    at: options.at,
  })
  streams.out(format === 'json' ? lineOf(result) : single(result, tell, format))
  if (!result.ok) throw new Negative()
}

// A record that cannot be read has its line in the answer too: the results stay in step with the input.
const unreadable = (place: string): BatchResult => ({
  ok: false,
  reason: 'malformed',
  step: `record: ${place}`,
  deliveryId: null,
  type: null,
})

const verifyBatch = async (path: string, command: Command): Promise<void> => {
  const { streams, format } = contextOf(command)
  const { verifyRecord } = await debuggerOf()
  const input = path === '-' ? process.stdin : createReadStream(path)
  let line = 0
  let genuine = true
  const verifyLine = async (text: string, place: string): Promise<BatchResult> => {
    try {
      return await verifyRecord(parseJson(text, 'the line'))
    } catch (error) {
      if (!isZenhookError(error)) throw error
      const { code, message, fix, cause } = error
      const placed = new ZenhookError(code, { message: `${place}: ${message}`, fix, cause })
      streams.err(describeError(placed))
      return unreadable(place)
    }
  }
  try {
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      line += 1
      if (text.trim() === '') continue
      const result = await verifyLine(text, `${path}:${line}`)
      genuine &&= result.ok
      streams.out(format === 'yaml' ? listing([result], [], format) : lineOf(result))
    }
  } catch (cause) {
    throw new ZenhookError('ZENHOOK_CLI_FILE', { message: `Cannot read ${path}`, cause })
  }
  if (!genuine) throw new Negative()
}

export const verifyCommand = (): Command =>
  withGlobals(new Command('verify'))
    .description('the signature debugger: is this request genuine, and if not, which step failed?')
    .option('--provider <name>', 'preset, see zenhook providers list')
    .option(
      '--secret <secret>',
      'secret or public key (PEM, hex, base64, JWKS); may repeat',
      collect,
    )
    .option('--header <line>', "'Name: value'; may repeat", collect)
    .option('--headers <file>', 'JSON object of headers, or -')
    .option('--body <file>', 'the raw body, or -')
    .option('--method <method>', 'method of the request', 'POST')
    .option('--url <url>', 'URL as the provider called it', 'http://localhost/')
    .option('--at <time>', 'verify as of this time (RFC 3339) instead of now')
    .addOption(
      new Option(
        '--batch <file>',
        'NDJSON of records, or -: one result a line, in order',
      ).conflicts([...['provider', 'secret', 'header', 'headers', 'body'], 'method', 'url', 'at']),
    )
    .action(async (options: Options, command: Command) => {
      if (options.batch !== undefined) return verifyBatch(options.batch, command)
      return verifyOne(options, command)
    })
