import { randomBytes, randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Draft,
  generateSecrets,
  presetNamed,
  type SecretPair,
  signRequest,
} from '../../ingress/verifiers/index.ts'
import { type RefsOf, sourceNames } from './config.ts'
import { type Outcome, outcomes } from './outcomes.ts'

const folder = new URL('../../../shared/payloads/', import.meta.url)

/** One entry of the index of payloads. */
export interface Payload {
  file: string
  headers: Record<string, string>
}

/** The index of sample payloads, or why there is none. */
export const readPayloads = async (): Promise<readonly Payload[] | string> => {
  try {
    const index: unknown = JSON.parse(await readFile(new URL('index.json', folder), 'utf8'))
    return (index as { payloads: Payload[] }).payloads
  } catch {
    return `there are no sample payloads at ${fileURLToPath(folder)}`
  }
}

export const tokenHeader = 'x-zenhook-token'

/** Secrets of all sources: what signs stays here, what verifies goes to the instance by reference. */
export interface Keys {
  refsOf: RefsOf
  /** For the environment of the instance. */
  env: Readonly<Record<string, string>>
  /** Values that must be seen nowhere. */
  secret: readonly string[]
  of(outcome: Outcome): SecretPair
}

const nameOf = (tenant: string, source: string, place: number): string =>
  `SECRET_${tenant}_${source}_${place}`.toUpperCase().replaceAll('-', '_')

/** New secrets for every source, half of them in the environment and half in files of `secretsFolder`. */
export const makeKeys = async (secretsFolder: string): Promise<Keys> => {
  const pairs = new Map<string, SecretPair[]>()
  const placeOf = new Map<string, number>()
  for (const { tenant, source, auth } of outcomes) {
    const at = `${tenant}/${source}`
    const kind = 'token' in auth ? 'token' : `${auth.preset} ${auth.scheme}`
    // Both schemes of Adyen and all of Grafana's take one secret; GitLab's take one each.
    const key = kind.startsWith('gitlab') ? `${at} ${kind}` : at
    if (placeOf.has(key)) continue
    const pair =
      'token' in auth ? staticToken() : generateSecrets(presetNamed(auth.preset), auth.scheme)
    placeOf.set(key, pairs.get(at)?.length ?? 0)
    pairs.set(at, [...(pairs.get(at) ?? []), pair])
  }
  const env: Record<string, string> = {}
  const refs = new Map<string, string[]>()
  for (const [index, { tenant, source }] of sourceNames.entries()) {
    const at = `${tenant}/${source}`
    const own = pairs.get(at) ?? []
    refs.set(at, [])
    for (const [place, { verifying }] of own.entries()) {
      const name = nameOf(tenant, source, place)
      const inFile = index % 2 === 0
      if (inFile) await writeFile(join(secretsFolder, name), `${verifying}\n`, { mode: 0o600 })
      else env[name] = verifying
      refs.get(at)?.push(inFile ? `file:${join(secretsFolder, name)}` : `env:${name}`)
    }
  }
  const all = [...pairs.values()].flat()
  return {
    refsOf: (tenant, source) => refs.get(`${tenant}/${source}`) ?? [],
    env,
    // What only verifies is a public key: no secret.
    secret: all.filter((pair) => pair.signing === pair.verifying).map(({ signing }) => signing),
    of({ tenant, source, auth }) {
      const at = `${tenant}/${source}`
      const own = 'token' in auth ? undefined : placeOf.get(`${at} ${auth.preset} ${auth.scheme}`)
      const pair = pairs.get(at)?.[own ?? placeOf.get(at) ?? 0]
      if (pair === undefined) throw new Error(`${at} has no secret`)
      return pair
    },
  }
}

const staticToken = (): SecretPair => {
  const token = randomBytes(24).toString('hex')
  return { signing: token, verifying: token }
}

const withDefaultType = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
    ? { ...headers }
    : { ...headers, 'content-type': 'application/json' }

export interface Signer {
  /** The request as its provider would send it now. A file keeps its delivery id. */
  sign(outcome: Outcome): Draft
}

export const createSigner = async (
  payloads: readonly Payload[],
  keys: Keys,
  publicUrl: string,
): Promise<Signer> => {
  const bodies = new Map<string, Buffer>()
  const ids = new Map<string, string>()
  for (const { file } of payloads) {
    bodies.set(file, await readFile(new URL(file, folder)))
    ids.set(file, `msg_${randomUUID()}`)
  }
  return {
    sign(outcome) {
      const { file, tenant, source, auth } = outcome
      const payload = payloads.find((each) => each.file === file)
      const body = bodies.get(file)
      if (payload === undefined || body === undefined) throw new Error(`there is no ${file}`)
      const url = `${publicUrl}/in/${tenant}/${source}`
      const headers = withDefaultType(payload.headers)
      const { signing } = keys.of(outcome)
      if ('token' in auth) {
        return {
          ...{ method: 'POST', url, body },
          headers: Object.entries({ ...headers, [tokenHeader]: signing }),
        }
      }
      return signRequest(presetNamed(auth.preset), {
        ...{ secret: signing, scheme: auth.scheme, body, headers, url, now: Date.now() },
        id: ids.get(file) ?? '',
      })
    },
  }
}

/** A small event of GitHub's with a delivery id, as GitHub would send it now. */
export const githubEvent = (keys: Keys, publicUrl: string, deliveryId: string): Draft => {
  const outcome = outcomes.find(({ source }) => source === 'github')
  if (outcome === undefined) throw new Error('there is no source for GitHub')
  return signRequest(presetNamed('github'), {
    secret: keys.of(outcome).signing,
    body: JSON.stringify({ zen: 'Keep it logically awesome.', hook_id: 1, delivery: deliveryId }),
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'ping',
      'x-github-delivery': deliveryId,
    },
    url: `${publicUrl}/in/${outcome.tenant}/${outcome.source}`,
    now: Date.now(),
  })
}

/** Sends a request; the answer with its text. */
export const post = async ({
  method,
  url,
  headers,
  body,
}: Draft): Promise<{ status: number; text: string }> => {
  const response = await fetch(url, {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    body: new Uint8Array(body),
    signal: AbortSignal.timeout(30_000),
  })
  return { status: response.status, text: await response.text() }
}

/** What the signature does not cover is protected by the credential alone: there, that is spoilt. */
const credentials = new Set([tokenHeader, 'authorization', 'x-gitlab-token'])

/** The same request, spoilt in one character of what authenticates it. */
export const tampered = (draft: Draft, { auth }: Outcome): Draft => {
  const [name = ''] = draft.headers.find(([each]) => credentials.has(each.toLowerCase())) ?? []
  if (name !== '') {
    const headers = draft.headers.map(([each, value]): [string, string] =>
      each === name ? [each, `${value.slice(0, -4)}AAA=`] : [each, value],
    )
    return { ...draft, headers }
  }
  // Of Adyen's items only eight fields are signed; the amount is one.
  const standard = 'scheme' in auth && auth.scheme === 'standard'
  const body = Buffer.from(draft.body)
  const at = (standard ? /"value":(?=1)/ : /(?=[1-8])/).exec(body.toString('latin1'))
  if (at === null) throw new Error('nothing to change')
  const place = at.index + at[0].length
  body[place] = (body[place] ?? 0) + 1
  return { ...draft, body }
}
