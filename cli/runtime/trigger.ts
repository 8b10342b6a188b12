import { randomUUID } from 'node:crypto'
import type { TriggerAnswer, Triggered, TriggerOptions } from '../../api/types.ts'
import { nearest } from '../../core/config/nearest.ts'
import { messageOf, ZenhookError } from '../../core/errors/index.ts'
import type { RegistryReader, Secrets } from '../../core/registry/port.ts'
import type { Snapshot, Source } from '../../core/registry/types.ts'
import type { Preset } from '../../ingress/providers/preset.ts'
import {
  type Draft,
  draftOf,
  generateSecrets,
  presetNamed,
  presetOf,
  sampleOf,
  signRequest,
} from '../../ingress/verifiers/index.ts'
import { demoSource } from '../demo.ts'
import { freshDelivery } from './fresh.ts'

export interface TriggerDeps {
  registry: RegistryReader
  secrets: Secrets
  /** What senders call, and some of them sign; undefined where this process does not know. */
  publicUrl: string | undefined
  /** Where the sources answer from here: this process's own listener, if it has one. */
  target: string | undefined
  now(): number
}

const hourMs = 3_600_000
const answerMs = 30_000

const cannotSign = (message: string, fix?: string): ZenhookError =>
  new ZenhookError('ZENHOOK_VERIFY_CANNOT_SIGN', { message, ...(fix !== undefined && { fix }) })

const nameOf = ({ tenant, name }: Pick<Source, 'tenant' | 'name'>): string => `${tenant}/${name}`
const demoName = `${demoSource.tenant}/${demoSource.source}`

/** Whether samples of the preset are what this source takes; a scheme of its own takes anybody's. */
const takes = (source: Source, preset: Preset): boolean =>
  source.provider === undefined || presetNamed(source.provider) === preset

const namedSource = (
  snapshot: Snapshot,
  preset: Preset,
  { tenant, source }: { tenant: string; source: string },
): Source => {
  const found = snapshot.source(tenant, source)
  if (found === undefined) {
    const near = nearest(`${tenant}/${source}`, [...snapshot.sources()].map(nameOf))
    throw new ZenhookError('ZENHOOK_API_NOT_FOUND', {
      message: `There is no source ${tenant}/${source}`,
      fix: near === undefined ? 'Configure it with zenhook apply' : `Did you mean ${near}?`,
    })
  }
  if (takes(found, preset)) return found
  throw cannotSign(
    `${nameOf(found)} is a source of ${found.provider}, not of ${preset.name}`,
    `Choose a source of ${preset.name}, or an event of ${found.provider}`,
  )
}

/** The one source of the provider; that of the demo where there is no other. */
const onlySource = (snapshot: Snapshot, preset: Preset): Source => {
  const all = [...snapshot.sources()].filter(
    ({ provider }) => provider !== undefined && presetNamed(provider) === preset,
  )
  const own = all.filter(({ tenant, name }) => nameOf({ tenant, name }) !== demoName)
  const [found, second] = own.length > 0 ? own : all
  if (found === undefined)
    throw new ZenhookError('ZENHOOK_API_NOT_FOUND', {
      message: `There is no source of ${preset.name}`,
      fix: 'Configure one with zenhook apply, or name a source with a scheme of its own',
    })
  if (second === undefined) return found
  throw new ZenhookError('ZENHOOK_API_NOT_FOUND', {
    message: `Several sources take ${preset.name}: ${all.map(nameOf).join(', ')}`,
    fix: `Name one of them, for instance ${nameOf(found)}`,
  })
}

const post = async (url: string, { method, headers, body }: Draft): Promise<TriggerAnswer> => {
  const response = await fetch(url, {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    body: method === 'GET' ? null : Buffer.from(body),
    redirect: 'manual',
    signal: AbortSignal.timeout(answerMs),
  }).catch((error: unknown) => {
    throw new ZenhookError('ZENHOOK_API_UNAVAILABLE', {
      message: `${new URL(url).origin} does not answer: ${messageOf(error)}`,
      cause: error,
    })
  })
  const text = await response.text()
  try {
    return { status: response.status, body: JSON.parse(text) as unknown }
  } catch {
    return { status: response.status, body: text }
  }
}

/**
 * Sends a sample event of a provider to a source, signed with the source's first secret as the provider would sign, and
 * tells how it was answered. The request does not leave this machine, or goes to PUBLIC_URL: some schemes send the secret itself.
 * Rejects with ZENHOOK_VERIFY_CANNOT_SIGN where the source holds only a public key, or is another provider's.
 */
export const triggerSample = async (
  { registry, secrets, publicUrl, target, now }: TriggerDeps,
  { provider, event, source: named, flaw, copies = 1 }: TriggerOptions,
): Promise<Triggered> => {
  const preset = presetNamed(provider)
  const snapshot = registry.snapshot()
  const source =
    named === undefined ? onlySource(snapshot, preset) : namedSource(snapshot, preset, named)
  const sample = sampleOf(preset, event)
  if (sample === undefined) {
    const types = preset.samples.map(({ type }) => type)
    throw new ZenhookError('ZENHOOK_API_NOT_FOUND', {
      message: `${preset.name} has no sample event '${event}'`,
      fix: `Choose one of ${types.join(', ')}`,
    })
  }
  const [ref] = source.secrets
  if (ref === undefined) throw cannotSign(`The source ${nameOf(source)} has no secret to sign with`)
  const base = publicUrl ?? target
  if (base === undefined)
    throw cannotSign(
      'This process takes no requests of senders, and does not know who does',
      'Ask a process with the role ingress (--url), or set PUBLIC_URL for this one',
    )
  const bound = presetOf(source)
  const secret =
    flaw === 'bad-signature'
      ? generateSecrets(bound).signing
      : await secrets.resolve(source.tenant, ref)
  const id = randomUUID()
  const signed = signRequest(bound, {
    ...freshDelivery(preset, draftOf(sample), id),
    secret,
    id,
    url: `${base}/in/${nameOf(source)}`,
    now: flaw === 'stale' ? now() - hourMs : now(),
  })
  const answers: TriggerAnswer[] = []
  for (let copy = 0; copy < copies; copy += 1)
    answers.push(await post(`${target ?? base}${signed.url.slice(base.length)}`, signed))
  return { tenant: source.tenant, source: source.name, answers }
}
