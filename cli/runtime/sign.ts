import { randomUUID } from 'node:crypto'
import type { SignedRequest, SignOptions } from '../../api/types.ts'
import { nearest } from '../../core/config/nearest.ts'
import { ZenhookError } from '../../core/errors/index.ts'
import type { RegistryReader, Secrets } from '../../core/registry/port.ts'
import {
  draftOf,
  generateSecrets,
  presetNamed,
  sampleOf,
  signRequest,
} from '../../ingress/verifiers/index.ts'
import { freshDelivery } from './fresh.ts'

export interface Signer {
  registry: RegistryReader
  secrets: Secrets
  publicUrl(): string
  now(): number
}

const hourMs = 3_600_000

/**
 * A sample event of a provider, signed with the first secret of a source: what the provider would send.
 * Rejects with ZENHOOK_VERIFY_CANNOT_SIGN where the source holds only a public key.
 */
export const signSample = async (
  { registry, secrets, publicUrl, now }: Signer,
  { provider, event, tenant, source, flaw }: SignOptions,
): Promise<SignedRequest> => {
  const preset = presetNamed(provider)
  const found = registry.snapshot().source(tenant, source)
  if (found === undefined) {
    const known = [...registry.snapshot().sources()].map((each) => `${each.tenant}/${each.name}`)
    const near = nearest(`${tenant}/${source}`, known)
    throw new ZenhookError('ZENHOOK_API_NOT_FOUND', {
      message: `There is no source ${tenant}/${source}`,
      fix: near === undefined ? 'Configure it with zenhook apply' : `Did you mean ${near}?`,
    })
  }
  const sample = sampleOf(preset, event)
  if (sample === undefined) {
    const types = preset.samples.map(({ type }) => type)
    throw new ZenhookError('ZENHOOK_API_NOT_FOUND', {
      message: `${preset.name} has no sample event '${event}'`,
      fix: `Choose one of ${types.join(', ')}`,
    })
  }
  const [ref] = found.secrets
  if (ref === undefined) {
    throw new ZenhookError('ZENHOOK_VERIFY_CANNOT_SIGN', {
      message: `The source ${tenant}/${source} has no secret to sign with`,
    })
  }
  const secret =
    flaw === 'bad-signature' ? generateSecrets(preset).signing : await secrets.resolve(tenant, ref)
  const id = randomUUID()
  const signed = signRequest(preset, {
    ...freshDelivery(preset, draftOf(sample), id),
    secret,
    id,
    url: `${publicUrl()}/in/${tenant}/${source}`,
    now: flaw === 'stale' ? now() - hourMs : now(),
  })
  return {
    method: signed.method,
    url: signed.url,
    headers: Object.fromEntries(signed.headers),
    body: Buffer.from(signed.body).toString('base64'),
  }
}
