import { stringify } from 'yaml'
import { presets } from '../../ingress/providers/index.ts'
import type { Checked, Handshake, Preset, PresetScheme } from '../../ingress/providers/preset.ts'
import type { Pick } from '../../ingress/verifiers/pick.ts'
import { bindScheme } from '../../ingress/verifiers/settings.ts'
import { heading, markdownTable } from './page.ts'

interface Settings {
  readonly header?: string | readonly string[]
  readonly signatureBody?: string
  readonly prefix?: string
  readonly list?: { readonly separator: string; readonly key?: string }
  readonly encoding?: string
  readonly template?: string | readonly string[]
  readonly algorithm?: string
  readonly algorithms?: readonly string[]
  readonly construction?: string
  readonly secretEncoding?: string
  readonly timestamp?: {
    readonly header?: string
    readonly key?: string
    readonly body?: string
    readonly unit: string
  }
  readonly tolerance?: number
  readonly headers?: readonly string[]
  readonly bodyHash?: string
  readonly urlHash?: string
  readonly queryHash?: string
}

const code = (text: string): string => `\`${text}\``
const codes = (texts: readonly string[]): string => texts.map(code).join(', ')
const listed = (value: string | readonly string[] | undefined): readonly string[] =>
  [value ?? []].flat()

/** What a scheme signs, in words and parts; nothing where the request only carries a credential. */
interface Coverage {
  readonly how: string
  readonly signed?: string
  readonly method: boolean
  readonly url: boolean
  readonly headers: readonly string[]
  readonly time: boolean
  /** Whether at least some of the body is signed. */
  readonly partOfBody?: boolean
}

const none = { method: false, url: false, headers: [], time: false }

const hashes: Readonly<Record<string, string>> = {
  ed25519: 'Ed25519',
  ecdsa: 'ECDSA with P-256 and SHA-256',
}

const algorithmOf = (scheme: string, { algorithm = '', construction }: Settings): string => {
  if (scheme === 'rsa') return `RSA with ${algorithm.replace('sha', 'SHA-')}`
  if (scheme !== 'hmac') return hashes[scheme] ?? scheme
  const hash = algorithm.replace('sha', 'SHA-')
  return construction === 'prefix' ? `${hash} of secret and message` : `HMAC-${hash}`
}

const placeOf = ({ header, signatureBody, list, prefix = '' }: Settings): string => {
  if (signatureBody !== undefined) return `in the body, at ${code(signatureBody)}`
  const within =
    list?.key !== undefined
      ? `, as ${code(`${list.key}=`)}`
      : prefix === ''
        ? ''
        : `, after ${code(prefix)}`
  return `in ${codes(listed(header))}${within}`
}

const templated = (scheme: string, settings: Settings): Coverage => {
  const templates = listed(settings.template)
  const references = templates.flatMap((each) =>
    [...each.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name),
  )
  const key =
    settings.secretEncoding === undefined || settings.secretEncoding === 'utf8'
      ? ''
      : ` The key is the secret decoded from ${settings.secretEncoding}.`
  return {
    how: `${algorithmOf(scheme, settings)}, in ${settings.encoding}, ${placeOf(settings)}.${key}`,
    signed: templates.map(code).join(' or '),
    method: references.includes('method'),
    url: references.some((name) => name.startsWith('url')),
    headers: references.flatMap((name) => (name.startsWith('header:') ? [name.slice(7)] : [])),
    time: settings.timestamp !== undefined,
    partOfBody: references.some((name) => name.startsWith('body:')),
  }
}

const coverageOf = ({ verify }: PresetScheme): Coverage => {
  const settings = bindScheme(verify).config as Settings
  switch (verify.scheme) {
    case 'token':
      return { ...none, how: `The secret itself, ${placeOf(settings)}.` }
    case 'basic':
      return { ...none, how: 'User and password in `authorization`.' }
    case 'bearer':
      return { ...none, how: 'The secret itself as a bearer token in `authorization`.' }
    case 'standard-webhooks': {
      const stems = listed(settings.headers)
      return {
        ...none,
        how: `HMAC-SHA-256 (v1) or Ed25519 (v1a), in base64, in ${codes(stems.map((stem) => `${stem}-signature`))}.`,
        signed: code(`{header:${stems[0]}-id}.{timestamp}.{body}`),
        headers: stems.map((stem) => `${stem}-id`),
        time: true,
      }
    }
    case 'jwt': {
      const claims = [
        settings.bodyHash === undefined ? [] : [`the body by ${code(settings.bodyHash)}`],
        settings.urlHash === undefined ? [] : [`the URL by ${code(settings.urlHash)}`],
        settings.queryHash === undefined
          ? []
          : [`method, path and query by ${code(settings.queryHash)}`],
      ].flat()
      return {
        ...none,
        how: `A JWT (${listed(settings.algorithms).join(', ')}) in ${code(String(settings.header))}.`,
        signed: `the claims of the token; and through hashes in them ${claims.join(' and ') || 'nothing of the request'}`,
        method: settings.queryHash !== undefined,
        url: settings.urlHash !== undefined || settings.queryHash !== undefined,
        time: true,
      }
    }
    case 'sns':
      return {
        ...none,
        how: 'RSA with SHA-1 or SHA-256 in the field `Signature` of the body, by a certificate of Amazon.',
        signed: 'the fields of the message that Amazon lists, by name and value',
        time: true,
        partOfBody: true,
      }
    case 'twilio':
      return {
        ...none,
        how: `HMAC-SHA-1, in base64, in ${code(String(settings.header))}.`,
        signed: 'the URL, and the fields of a form sorted by name or the SHA-256 of another body',
        url: true,
      }
    case 'adyen':
      return {
        ...none,
        how: 'HMAC-SHA-256 in each item of the body, with the key decoded from hex.',
        signed: 'eight fields of each item, joined by `:`',
        partOfBody: true,
      }
    case 'http-message-signatures':
      return {
        ...none,
        how: 'RFC 9421, with any of its algorithms for which there is a secret.',
        signed:
          'the components that `Signature-Input` names; those that the source requires must be among them',
        method: true,
        url: true,
        time: true,
      }
    default:
      return templated(verify.scheme, settings)
  }
}

const minutes = (ms: number): string => {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000} h`
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`
}

const timeOf = ({ verify }: PresetScheme, { time, signed }: Coverage): string => {
  if (signed === undefined) return 'Time: none is told, so a copied request stays good.'
  if (!time) return 'Time: none is signed; only its id, or what was signed, tells a copy.'
  const { tolerance, timestamp } = bindScheme(verify).config as Settings
  const place =
    timestamp?.header ??
    (timestamp?.key === undefined ? undefined : `${timestamp.key}= of the signature's header`) ??
    timestamp?.body
  const where = place === undefined ? '' : ` (${code(place)})`
  return tolerance === undefined
    ? `Time: signed${where}, and held to the life of the token.`
    : `Time: signed${where}; refused when it is more than ${minutes(tolerance)} from now, either way.`
}

const readsHeader = (from: Pick | undefined): readonly string[] => {
  if (from === undefined) return []
  if ('header' in from) return [from.header]
  if ('first' in from) return from.first.flatMap(readsHeader)
  if ('join' in from) return from.join.flatMap(readsHeader)
  return 'map' in from ? readsHeader(from.map) : []
}

const pickText = (from: Pick): string => {
  if ('header' in from) return `header ${code(from.header)}`
  if ('body' in from) return `${code(from.body)} of the body`
  if ('proven' in from) return `${code(from.proven)} of what is signed`
  if ('text' in from) return `the word ${code(from.text)}`
  if ('first' in from) return from.first.map(pickText).join(', else ')
  if ('join' in from) return from.join.map(pickText).join(` + `)
  return `${pickText(from.map)}, by a table`
}

const uncovered = (preset: Preset, scheme: PresetScheme, coverage: Coverage): string => {
  if (scheme.verify.scheme === 'http-message-signatures')
    return 'what `Signature-Input` does not name'
  const body = scheme.bodyCovered ?? preset.bodyCovered
  const id = scheme.deliveryId ?? preset.deliveryId
  const idCovered = scheme.idCovered ?? preset.idCovered
  const covered = new Set(coverage.headers)
  const typeHeaders = readsHeader(preset.type).filter((name) => !covered.has(name))
  const open = [
    coverage.method ? [] : ['the method'],
    coverage.url ? [] : ['the URL'],
    body ? [] : [coverage.partOfBody ? 'the rest of the body' : 'the body'],
    id === undefined || idCovered ? [] : ['the delivery id'],
    typeHeaders.length === 0 ? [] : [`the type where it is read from ${codes(typeHeaders)}`],
    coverage.headers.length === 0
      ? ['the headers']
      : [`headers other than ${codes(coverage.headers)}`],
  ].flat()
  return open.join(', ')
}

const schemeSection = (preset: Preset, scheme: PresetScheme): string => {
  const coverage = coverageOf(scheme)
  const { when } = scheme
  const claimed =
    preset.schemes.length === 1 || when === undefined
      ? ''
      : ` Held to it: a request ${[
          when.header === undefined ? [] : [`with the header ${code(when.header)}`],
          when.equals === undefined ? [] : [`that is ${code(when.equals)}`],
          when.begins === undefined ? [] : [`that begins with ${code(when.begins.trim())}`],
          when.without === undefined ? [] : [`without the header ${code(when.without)}`],
          when.query === undefined ? [] : [`with ${code(when.query)} in its query`],
        ]
          .flat()
          .join(' ')}.`
  return [
    ...(preset.schemes.length === 1 ? [] : [`### ${scheme.name}`, '']),
    `- How: ${coverage.how}${claimed}`,
    `- Covered: ${coverage.signed ?? 'nothing of the request; the credential is all that it proves'}.`,
    `- Not covered: ${uncovered(preset, scheme, coverage)}.`,
    `- ${timeOf(scheme, coverage)}`,
    '',
  ].join('\n')
}

const handshakeText = (handshake: Handshake): string => {
  if (handshake.kind === 'query')
    return `GET with ${code(`${handshake.mode[0]}=${handshake.mode[1]}`)}: ${code(handshake.challenge)} comes back, if ${code(handshake.token)} is a secret.`
  if (handshake.kind === 'header')
    return `GET with ${code(handshake.header)}: it comes back as ${code(handshake.reply)}, if the credential is right.`
  const when = Object.entries(handshake.when).map(([path, value]) => code(`${path}: ${value}`))
  return `A genuine request with ${when.join(' and ')} in its body is answered and delivers nothing.`
}

const checkedText: Readonly<Record<Checked, string>> = {
  vector: 'Checked against values that are published',
  library:
    "Checked against the vendor's own library: it accepts what Zenhook signs, and refuses it changed",
  documentation:
    'By what the documentation of the vendor says, or public code that implements it; not computed against anything published',
  none: '**Not checked against anything published**',
}

const example = (preset: Preset): string =>
  stringify({
    tenants: {
      acme: {
        sources: { [preset.name]: { provider: preset.name, secrets: [`env:${envName(preset)}`] } },
      },
    },
  })

const envName = ({ name }: Preset): string => `${name.toUpperCase().replaceAll('-', '_')}_SECRET`

const page = (preset: Preset): string => {
  const { aliases = [], deliveryId, handshakes = [], notes = [], evidence } = preset
  return [
    heading(
      preset.title,
      `The preset \`${preset.name}\`${aliases.length > 0 ? ` (also ${codes(aliases)})` : ''}.`,
    ),
    '## What its signature covers, and what it does not',
    '',
    ...preset.schemes.map((scheme) => schemeSection(preset, scheme)),
    ...notes.flatMap((note) => [note, '']),
    '## Use',
    '',
    `\`\`\`yaml\n${example(preset)}\`\`\``,
    '',
    `- Secret: ${preset.secret}.`,
    `- Type of an event: ${pickText(preset.type)}; \`${preset.defaultType}\` where there is none.`,
    `- Delivery id: ${deliveryId === undefined ? 'none that one could rely on; a digest of what was signed tells a copy' : pickText(deliveryId)}.`,
    `- Headers kept with the event: ${codes(preset.keep) || 'none'}.`,
    ...handshakes.map((handshake) => `- Handshake: ${handshakeText(handshake)}`),
    `- The sender waits ${preset.patienceMs / 1000} s for an answer.`,
    `- Samples for \`zenhook trigger\`: ${preset.samples.map(({ type }) => code(`${preset.name}.${type}`)).join(', ')}.`,
    '',
    '## Why this recipe is believed',
    '',
    `${checkedText[evidence.checked]}: ${evidence.source}, <${evidence.url}>.`,
    '',
    `The vendor's documentation: <${preset.docs}>`,
    '',
  ].join('\n')
}

const coveredBy = (preset: Preset, scheme: PresetScheme): string =>
  [
    (scheme.bodyCovered ?? preset.bodyCovered) ? 'body' : '',
    (scheme.idCovered ?? preset.idCovered) ? 'delivery id' : '',
  ]
    .filter((part) => part !== '')
    .join(', ') || 'neither body nor id'

const covers = (preset: Preset): string => {
  const each = preset.schemes.map((scheme) => [scheme.name, coveredBy(preset, scheme)] as const)
  const texts = new Set(each.map(([, text]) => text))
  return texts.size === 1
    ? [...texts].join('')
    : each.map(([name, text]) => `${name}: ${text}`).join('; ')
}

const counted = (checked: Checked): number =>
  presets.filter(({ evidence }) => evidence.checked === checked).length

export const providersPage = (): string =>
  [
    heading(
      'Providers',
      `The ${presets.length} presets: how each provider signs, and what that proves.`,
    ),
    `${counted('vector')} were checked against published values, ${counted('library')} against a library of their vendor,`,
    `${counted('documentation')} rest on the words of their vendor alone, ${counted('none')} on nothing published.`,
    '',
    markdownTable(
      ['provider', 'preset', 'schemes', 'covered', 'checked'],
      presets.map((preset) => [
        preset.title,
        `[\`${preset.name}\`](providers/${preset.name}.md)`,
        [...new Set(preset.schemes.map(({ verify }) => verify.scheme))].join(', '),
        covers(preset),
        preset.evidence.checked,
      ]),
    ),
  ].join('\n')

/** A page for each preset, by path. */
export const providerPages = (): readonly (readonly [string, string])[] =>
  presets.map((preset) => [`docs/reference/providers/${preset.name}.md`, page(preset)] as const)
