import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { ZenhookError } from '../../core/errors/index.ts'
import { rewritten, valueAt } from './body.ts'
import { decode, type Encoding } from './encoding.ts'
import { compileTemplate, type Part } from './template.ts'
import { duration, formatTime, parseTime, within } from './time.ts'
import { type Draft, type Refused, refuse, type SignContext, type View } from './types.ts'
import { single, splitUrl, viewOf } from './view.ts'

const headerName = z.string().min(1).toLowerCase()

/** Settings shared by every scheme that signs a template: where signature and time are, and what is signed. */
export const signingFields = {
  header: z
    .union([headerName, z.array(headerName).min(1)])
    .optional()
    .describe('Header of the signature, or several; NAME-* takes NAME-1, NAME-2, …'),
  signatureBody: z
    .string()
    .optional()
    .describe('Path into the body where the signature is, for providers that carry it there'),
  prefix: z.string().default('').describe('Text before the signature, such as sha256='),
  list: z
    .strictObject({
      separator: z.string().length(1).describe('Between the items of the header'),
      key: z
        .string()
        .min(1)
        .optional()
        .describe('Key of the items that are signatures, such as v1; without it each item is one'),
    })
    .optional()
    .describe('For a header that is a list: of key=value, or of signatures'),
  encoding: z.enum(['hex', 'base64', 'base64url']).default('hex').describe('Of the signature'),
  template: z
    .union([z.string(), z.array(z.string()).min(1).max(4)])
    .default('{body}')
    .describe(
      'What is signed (or each of several ways to write it): text with {method}, {url}, {url:decoded}, {path}, {query}, {timestamp}, {body}, {header:NAME}, {body:PATH}',
    ),
  timestamp: z
    .strictObject({
      header: headerName.optional().describe('Header of the signed time'),
      key: z.string().optional().describe('Key of the signed time within the list'),
      body: z.string().optional().describe('Path into the body of the signed time'),
      unit: z.enum(['s', 'ms', 'rfc3339']).default('s').describe('Of the signed time'),
    })
    .refine((at) => [at.header, at.key, at.body].filter(Boolean).length === 1, {
      message: 'Name exactly one of header, key and body',
    })
    .optional()
    .describe('Where the signed time is'),
  tolerance: duration
    .prefault('5m')
    .describe('How far the signed time may lie from ours, such as 5m'),
  require: z
    .array(
      z.strictObject({
        header: headerName.optional().describe('Header that must be there'),
        body: z.string().optional().describe('Path into the body that must be there'),
        equals: z.string().optional().describe('Its only value'),
        length: z.number().int().positive().optional().describe('Its length in characters'),
      }),
    )
    .default([])
    .describe('What else the request must say'),
}

const settings = z.strictObject(signingFields)
export type SigningSettings = z.infer<typeof settings>

export interface Signed {
  readonly ok: true
  /** What may have been signed, one for each template. */
  readonly messages: readonly [readonly Part[], ...(readonly Part[])[]]
  /** Decoded, at most 32. */
  readonly signatures: readonly Uint8Array[]
}

export interface Signing {
  readonly coversBody: boolean
  readonly toleranceMs: number | undefined
  /** What was signed and with which signatures; nothing of the body is parsed unless the scheme puts them there. */
  read(view: View): Signed | Refused
  /** Once the signature is proven: whether its time is near enough. */
  checkTime(view: View, now: number): Refused | undefined
}

const MAX_SIGNATURES = 32

const templatesOf = ({ template }: SigningSettings): readonly string[] => [template].flat()

const refused = (value: unknown): value is Refused =>
  typeof value === 'object' && value !== null && 'ok' in value && value.ok === false

const fail = (message: string): never => {
  throw new ZenhookError('ZENHOOK_VERIFY_SETTINGS', { message })
}

export const compileSigning = (config: SigningSettings): Signing => {
  const { list, timestamp, prefix, encoding } = config
  const templates = templatesOf(config).map(compileTemplate)
  const coversBody = templates.every((template) => template.coversBody)
  const usesTimestamp = templates.every((template) => template.usesTimestamp)
  if (config.header === undefined && config.signatureBody === undefined)
    fail('A signing scheme needs header or signatureBody')
  if (templates.some((template) => template.usesTimestamp) && !timestamp)
    fail('The template signs {timestamp}, but timestamp is not set')
  if (timestamp && !usesTimestamp && timestamp.body === undefined)
    fail('timestamp is set, but the template does not sign {timestamp}')
  if (timestamp?.body !== undefined && !usesTimestamp && !coversBody)
    fail('timestamp.body is set, but the template signs neither {timestamp} nor {body}')
  if (timestamp?.key !== undefined && list?.key === undefined)
    fail('timestamp.key is set, but list is not, or has no key')
  const headers = [config.header ?? []].flat()

  const raw = (view: View): readonly string[] | Refused => {
    if (config.signatureBody !== undefined) {
      const value = valueAt(view.body(), config.signatureBody)
      return value === undefined ? refuse('missing', `body field ${config.signatureBody}`) : [value]
    }
    const names = headers.flatMap((name) => {
      if (!name.endsWith('-*')) return view.all(name).length > 0 ? [name] : []
      const stem = name.slice(0, -1)
      return view
        .names()
        .filter((each) => each.startsWith(stem) && /^\d{1,3}$/.test(each.slice(stem.length)))
    })
    if (names.length === 0) return refuse('missing', `header ${headers.join(' or ')}`)
    const values: string[] = []
    for (const name of names.slice(0, MAX_SIGNATURES)) {
      const value = single(view, name)
      if (refused(value)) return value
      values.push(value)
    }
    return values
  }

  const itemsOf = (value: string, key: string): readonly string[] => {
    const found: string[] = []
    for (const item of value.split(list?.separator ?? ',')) {
      const text = item.trim()
      if (text.startsWith(`${key}=`)) found.push(text.slice(key.length + 1))
    }
    return found
  }

  const signatureTexts = (values: readonly string[]): readonly string[] | Refused => {
    const texts: string[] = []
    for (const value of values) {
      if (list?.key !== undefined) texts.push(...itemsOf(value, list.key))
      else
        for (const item of list ? value.split(list.separator) : [value])
          if (item.startsWith(prefix)) texts.push(item.slice(prefix.length))
    }
    return texts.length > 0
      ? texts.slice(0, MAX_SIGNATURES)
      : refuse('malformed', `signature has no ${list?.key === undefined ? prefix : `${list.key}=`}`)
  }

  const timeText = (view: View, values: readonly string[]): string | Refused => {
    if (!timestamp) return ''
    if (timestamp.header !== undefined) return single(view, timestamp.header)
    if (timestamp.body !== undefined)
      return (
        valueAt(view.body(), timestamp.body) ?? refuse('missing', `body field ${timestamp.body}`)
      )
    const found = values.flatMap((value) => itemsOf(value, timestamp.key ?? ''))
    if (found.length > 1) return refuse('malformed', `signature has several ${timestamp.key}=`)
    return found[0] ?? refuse('malformed', `signature has no ${timestamp.key}=`)
  }

  const meets = (view: View): Refused | undefined => {
    for (const { header, body, equals, length } of config.require) {
      const value = header !== undefined ? single(view, header) : valueAt(view.body(), body ?? '')
      if (refused(value)) return value
      const what = header !== undefined ? `header ${header}` : `body field ${body}`
      if (value === undefined) return refuse('missing', what)
      if (equals !== undefined && value !== equals) return refuse('malformed', what)
      if (length !== undefined && value.length !== length) return refuse('malformed', what)
    }
    return undefined
  }

  const parsedTime = (text: string): number | Refused =>
    parseTime(text, timestamp?.unit ?? 's') ?? refuse('malformed', 'timestamp')

  return {
    coversBody,
    toleranceMs: timestamp ? config.tolerance : undefined,
    read: (view) => {
      const values = raw(view)
      if (refused(values)) return values
      const unmet = meets(view)
      if (unmet) return unmet
      const texts = signatureTexts(values)
      if (refused(texts)) return texts
      const signatures = texts.flatMap((text) => decode(text, encoding) ?? [])
      if (signatures.length === 0) return refuse('malformed', `signature is not ${encoding}`)
      let time = ''
      // A time inside the body is read only once the body is proven, unless it is itself what was signed.
      if (timestamp && usesTimestamp) {
        const text = timeText(view, values)
        if (refused(text)) return text
        const at = parsedTime(text)
        if (refused(at)) return at
        time = text
      }
      const messages: (readonly Part[])[] = []
      for (const template of templates) {
        const parts = template.parts(view, time)
        if (refused(parts)) return parts
        messages.push(parts)
      }
      const [first = [], ...others] = messages
      return { ok: true, messages: [first, ...others], signatures }
    },
    checkTime: (view, now) => {
      if (!timestamp) return undefined
      const values = timestamp.key === undefined ? [] : raw(view)
      if (refused(values)) return values
      const text = timeText(view, values)
      if (refused(text)) return text
      const at = parsedTime(text)
      if (refused(at)) return at
      return within(at, now, config.tolerance) ? undefined : refuse('stale', 'timestamp tolerance')
    },
  }
}

export const withHeader = (draft: Draft, name: string, value: string): Draft => ({
  ...draft,
  headers: [
    ...draft.headers.filter(([each]) => each.toLowerCase() !== name.toLowerCase()),
    [name, value],
  ],
})

export const viewOfDraft = (draft: Draft): View => viewOf({ ...draft, ...splitUrl(draft.url) })

const encoded = (bytes: Uint8Array, encoding: Encoding): string =>
  Buffer.from(bytes).toString(encoding)

/** Writes time and signature where `compileSigning` reads them. */
export const signDraft = (
  config: SigningSettings,
  draft: Draft,
  { now }: SignContext,
  signatureOf: (parts: readonly Part[]) => Uint8Array,
): Draft => {
  const { timestamp, list } = config
  const time = timestamp ? formatTime(now, timestamp.unit) : ''
  let ready = draft
  const fields: Record<string, unknown> = {}
  for (const { header, body, equals, length } of config.require) {
    const value =
      equals ??
      randomBytes(length ?? 16)
        .toString('hex')
        .slice(0, length)
    if (header !== undefined) ready = withHeader(ready, header, value)
    if (body !== undefined) fields[body] = value
  }
  if (timestamp?.header !== undefined) ready = withHeader(ready, timestamp.header, time)
  if (timestamp?.body !== undefined)
    fields[timestamp.body] = timestamp.unit === 'rfc3339' ? time : Number(time)
  if (Object.keys(fields).length > 0) ready = { ...ready, body: rewritten(ready.body, fields) }
  const [template = '{body}'] = templatesOf(config)
  const parts = compileTemplate(template).parts(viewOfDraft(ready), time)
  if (refused(parts))
    throw new ZenhookError('ZENHOOK_VERIFY_CANNOT_SIGN', {
      message: `The request lacks what the signature covers: ${parts.step}`,
    })
  const signature = encoded(signatureOf(parts), config.encoding)
  if (config.signatureBody !== undefined)
    return { ...ready, body: rewritten(ready.body, { [config.signatureBody]: signature }) }
  const name = ([config.header ?? []].flat()[0] ?? '').replace(/-\*$/, '-1')
  if (list?.key === undefined) return withHeader(ready, name, config.prefix + signature)
  const items = [
    ...(timestamp?.key === undefined ? [] : [`${timestamp.key}=${time}`]),
    `${list.key}=${signature}`,
  ]
  return withHeader(ready, name, items.join(list.separator))
}
