import { createHmac, randomBytes, randomUUID, sign as signWith } from 'node:crypto'
import type { JWK } from 'jose'
import { ZenhookError } from '../../../core/errors/index.ts'
import { generateKeys, type KeyKind, privateKey, publicKeys } from '../keys.ts'
import { checkStrength, needsSecret } from '../secrets.ts'
import { viewOfDraft, withHeader } from '../signing.ts'
import { strictObject } from '../strict-json.ts'
import { refuse, type Scheme, type SchemeDeps } from '../types.ts'
import { single } from '../view.ts'
import { checkClaims, requestHashes } from './claims.ts'
import { type JwtConfig, jwtConfig } from './config.ts'
import { remoteKeySet } from './jwks.ts'
import { type Algorithm, readJws, verifyJws } from './jws.ts'

const kinds: Readonly<Record<string, KeyKind>> = { RS: 'rsa', PS: 'rsa', ES: 'p256', Ed: 'ed25519' }

interface PlacedKey {
  readonly key: JWK
  readonly place: number
}

const keysOf = (
  { algorithms }: JwtConfig,
  secrets: readonly string[],
  deps: SchemeDeps,
): readonly PlacedKey[] => {
  needsSecret(secrets)
  const families = new Set(algorithms.map((name) => name.slice(0, 2)))
  if (families.has('HS') && families.size > 1)
    throw new ZenhookError('ZENHOOK_VERIFY_SETTINGS', {
      message: 'verify (jwt), algorithms: shared secrets and public keys cannot be mixed',
    })
  return secrets.flatMap((secret, place) => {
    checkStrength(secret, place, deps)
    if (families.has('HS'))
      return [{ key: { kty: 'oct', k: Buffer.from(secret).toString('base64url') }, place }]
    const kind = kinds[[...families][0] ?? ''] ?? 'rsa'
    return publicKeys(secret, kind, place).map((key) => ({
      key: key.export({ format: 'jwk' }) as JWK,
      place,
    }))
  })
}

const scalars = (claims: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(claims).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [],
    ),
  )

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const signInput = (algorithm: Algorithm, secret: string, input: string): Buffer => {
  const hash = `sha${algorithm.slice(2)}`
  if (algorithm.startsWith('HS')) return createHmac(hash, secret).update(input).digest()
  const key = privateKey(secret, kinds[algorithm.slice(0, 2)] ?? 'rsa')
  if (algorithm === 'EdDSA') return signWith(null, Buffer.from(input), key)
  if (algorithm.startsWith('ES'))
    return signWith(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
  return signWith(hash, Buffer.from(input), key)
}

export const jwt: Scheme<JwtConfig> = {
  spec: {
    name: 'jwt',
    kind: 'verifier',
    summary: 'A signed JWT in a header, with a shared secret, a public key or a key set (JWKS)',
    status: 'stable',
    config: jwtConfig,
    secrets: {
      secrets: {
        description: 'The shared secret or public key; none with jwks',
        required: false,
        many: true,
      },
    },
    reasons: {
      missing: 'The token, or a claim that it must carry, is not there',
      malformed: 'The token cannot be read strictly, or lives without end',
      mismatch: 'Its algorithm, signature or a claim is not what it must be',
      stale: 'The token is not valid yet, or no longer',
    },
    examples: [
      {
        title: 'Tokens of an identity provider',
        yaml: 'verify:\n  scheme: jwt\n  algorithms: [RS256]\n  jwks: https://login.example.com/keys\n  issuer: https://login.example.com/\n  audience: zenhook',
      },
    ],
  },
  prover: (config, secrets, deps) => {
    const { fetchKey } = deps
    if (config.jwks !== undefined && !fetchKey)
      throw new ZenhookError('ZENHOOK_VERIFY_SETTINGS', {
        message: 'verify (jwt), jwks: this process cannot fetch keys; give them as secrets',
      })
    if (config.jwks !== undefined && config.algorithms.some((name) => name.startsWith('HS')))
      throw new ZenhookError('ZENHOOK_VERIFY_SETTINGS', {
        message: 'verify (jwt), algorithms: a key set is public, so HS256 to HS512 cannot be used',
      })
    const remote =
      config.jwks !== undefined && fetchKey ? remoteKeySet(config.jwks, fetchKey) : undefined
    const own = remote ? [] : keysOf(config, secrets, deps)
    return async (view, now) => {
      const value = single(view, config.header)
      if (typeof value !== 'string') return value
      if (value.slice(0, config.prefix.length).toLowerCase() !== config.prefix.toLowerCase())
        return refuse('malformed', `header ${config.header} has no ${config.prefix.trim()}`)
      const token = value.slice(config.prefix.length)
      const read = readJws(token)
      if ('ok' in read) return read
      const keys = remote ? await remote.keys(read.kid, now) : own.map(({ key }) => key)
      const jws = await verifyJws(token, keys, config.algorithms)
      if (!jws.ok) return jws
      const claims = strictObject(jws.payload)
      if (!claims) return refuse('malformed', 'token claims')
      const unmet = checkClaims(claims, config, view, now)
      if (unmet) return unmet
      const exp = typeof claims.exp === 'number' ? claims.exp * 1_000 : now + config.maxLifetime
      const place = own[jws.keyIndex]?.place
      return {
        ok: true,
        signed: [jws.input],
        bodyCovered: config.bodyHash !== undefined,
        // A replay can succeed for as long as the token lives.
        toleranceMs: Math.max(0, exp - now) + config.leeway,
        proven: scalars(claims),
        ...(place !== undefined && { secretIndex: place }),
      }
    }
  },
  sign: (config, secret, draft, { now, id }) => {
    const [alg] = config.algorithms
    if (alg === undefined || alg.startsWith('PS'))
      throw new ZenhookError('ZENHOOK_VERIFY_CANNOT_SIGN')
    const at = Math.floor(now / 1_000)
    const claims = {
      iat: at,
      nbf: at,
      exp: at + Math.min(180, Math.floor(config.maxLifetime / 1_000)),
      jti: id || randomUUID(),
      ...((config.issuer !== undefined || config.required.includes('iss')) && {
        iss: config.issuer ?? 'zenhook',
      }),
      ...(config.audience !== undefined && { aud: config.audience }),
      ...config.claims,
      ...requestHashes(config, viewOfDraft(draft).request),
    }
    const input = `${encode({ typ: 'JWT', alg })}.${encode(claims)}`
    const token = `${input}.${signInput(alg, secret, input).toString('base64url')}`
    return withHeader(draft, config.header, config.prefix + token)
  },
  generate: ({ algorithms: [first = 'HS256'] }) => {
    const kind = kinds[first.slice(0, 2)]
    if (kind) return generateKeys(kind)
    const secret = randomBytes(48).toString('base64url')
    return { signing: secret, verifying: secret }
  },
}
