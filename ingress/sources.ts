import { isZenhookError, messageOf, ZenhookError } from '../core/errors/index.ts'
import type { Secrets } from '../core/registry/port.ts'
import type { Source } from '../core/registry/types.ts'
import { type Logger, silentLogger } from '../core/telemetry/index.ts'
import type { Verifier } from './verifiers/types.ts'

/** How the requests of a source are verified, with its secrets as they stand now. */
export type VerifierFor = (source: Source) => Promise<Verifier>

export interface VerifiersOptions {
  secrets: Secrets
  /** Throws ZENHOOK_VERIFY_* when settings or secrets cannot work. */
  create(source: Source, secrets: readonly string[]): Verifier
  /** Ms of a clock that only goes on; its own by default: the time of day may step back. */
  now?: () => number
  /**
   * How long resolved secrets are used without being looked at again, ms. What resolves them may have a cache of
   * its own (2 s for files): together they stay below the 5 s in which a removed secret has to be gone.
   */
  freshMs?: number
  logger?: Logger
}

/** A secret, with its place among the references of the source. */
interface Found {
  value: string
  index: number
}

interface Made {
  verifier: Verifier
  values: readonly string[]
  resolvedAt: number
}

const retryMs = 1_000

const valuesOf = (found: readonly Found[]): string[] => found.map(({ value }) => value)

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((value, index) => value === b[index])

/**
 * Verifiers by source, made when the first request comes and anew when a secret changed. A secret that
 * cannot be resolved, or not be used, is left out while others can: that is how a rotation ends. Rejects with
 * ZENHOOK_INGRESS_SECRET_UNAVAILABLE (retriable) when nothing is left to verify with.
 */
export const createVerifiers = (options: VerifiersOptions): VerifierFor => {
  const {
    secrets,
    create,
    now = () => performance.now(),
    freshMs = 2_000,
    logger = silentLogger,
  } = options
  // A source object never changes: a new revision of it is another object.
  const made = new WeakMap<Source, Made>()
  const making = new WeakMap<Source, Promise<Verifier>>()
  // What failed is not tried again for every request.
  const failed = new WeakMap<Source, { error: unknown; until: number }>()

  const resolveAll = async (source: Source): Promise<Found[]> => {
    const results = await Promise.allSettled(
      source.secrets.map((ref) => secrets.resolve(source.tenant, ref)),
    )
    return results.flatMap((result, index) => {
      if (result.status === 'fulfilled') return [{ value: result.value, index }]
      const { tenant, name } = source
      logger.error(
        { tenant, source: name, index, error: messageOf(result.reason) },
        'a reference of the source cannot be resolved',
      )
      return []
    })
  }

  /** A verifier with all of these secrets, or with all but one that cannot be used. */
  const usable = (source: Source, found: readonly Found[]): Verifier => {
    try {
      return numbered(create(source, valuesOf(found)), found)
    } catch (error) {
      if (!isZenhookError(error) || !error.code.startsWith('ZENHOOK_VERIFY_SECRET_')) throw error
      for (const { index } of found) {
        const others = found.filter((each) => each.index !== index)
        try {
          if (others.length === 0) break
          const verifier = numbered(create(source, valuesOf(others)), others)
          const { tenant, name } = source
          logger.error(
            { tenant, source: name, index, error: error.message },
            'a secret of the source cannot be used, and is left out',
          )
          return verifier
        } catch {
          // Not that one, or not that one alone.
        }
      }
      throw error
    }
  }

  const unavailable = (source: Source, cause?: unknown): ZenhookError =>
    new ZenhookError('ZENHOOK_INGRESS_SECRET_UNAVAILABLE', {
      message: `${source.tenant}/${source.name} has nothing to verify requests with`,
      retriable: true,
      cause,
    })

  const make = async (source: Source): Promise<Verifier> => {
    const resolvedAt = now()
    const found = await resolveAll(source)
    if (found.length === 0 && source.secrets.length > 0) throw unavailable(source)
    const values = valuesOf(found)
    const before = made.get(source)
    if (before !== undefined && same(before.values, values)) {
      before.resolvedAt = resolvedAt
      return before.verifier
    }
    try {
      const verifier = usable(source, found)
      made.set(source, { verifier, values, resolvedAt })
      return verifier
    } catch (error) {
      throw unavailable(source, error)
    }
  }

  return (source) => {
    const found = made.get(source)
    if (found !== undefined && now() - found.resolvedAt < freshMs)
      return Promise.resolve(found.verifier)
    const underWay = making.get(source)
    if (underWay !== undefined) return underWay
    const failure = failed.get(source)
    if (failure !== undefined && now() < failure.until) return Promise.reject(failure.error)
    const promise = make(source)
      .catch((error: unknown) => {
        failed.set(source, { error, until: now() + retryMs })
        throw error
      })
      .finally(() => making.delete(source))
    making.set(source, promise)
    return promise
  }
}

/** Says which of the configured secrets verified, also where some of them were left out. */
const numbered = (verifier: Verifier, found: readonly Pick<Found, 'index'>[]): Verifier => {
  if (found.every(({ index }, at) => index === at)) return verifier
  return {
    ...verifier,
    async verify(request, at) {
      const verified = await verifier.verify(request, at)
      if (!verified.ok || verified.secretIndex === undefined) return verified
      const index = found[verified.secretIndex]?.index
      const { secretIndex: _, ...rest } = verified
      return index === undefined ? rest : { ...rest, secretIndex: index }
    },
  }
}
