import { z } from 'zod'
import { isZenhookError, ZenhookError } from '../../core/errors/index.ts'
import { createVerifier, type VerifierOptions } from './create.ts'
import type { RawRequest, RefusalReason, Verifier } from './types.ts'
import { splitUrl } from './view.ts'

const headerValue = z.union([z.string(), z.array(z.string())])

const record = z.object({
  provider: z.string().nullish(),
  /** Settings of the preset, or a scheme spelled out. */
  verify: z.record(z.string(), z.unknown()).nullish(),
  secrets: z.array(z.string()),
  method: z.string().nullish(),
  url: z.string().nullish(),
  headers: z.record(z.string(), headerValue).nullish(),
  body: z.string().nullish(),
  bodyEncoding: z.enum(['utf8', 'base64']).nullish(),
  /** RFC 3339, or milliseconds. */
  at: z.union([z.string(), z.number()]).nullish(),
})

export type BatchRecord = z.input<typeof record>

export interface BatchResult {
  readonly ok: boolean
  readonly reason: RefusalReason | null
  readonly step: string | null
  readonly deliveryId: string | null
  readonly type: string | null
}

const timeOf = (at: string | number | null | undefined): number => {
  const time = typeof at === 'string' ? Date.parse(at) : (at ?? Date.now())
  if (Number.isFinite(time)) return time
  throw new ZenhookError('ZENHOOK_VERIFY_RECORD', { message: 'at is not an RFC 3339 time' })
}

const refused = (reason: RefusalReason, step: string): BatchResult => ({
  ok: false,
  reason,
  step,
  deliveryId: null,
  type: null,
})

const isSecretError = (error: unknown): error is ZenhookError =>
  isZenhookError(error) && error.code.startsWith('ZENHOOK_VERIFY_SECRET_')

// What keeps a record from being verified is its answer, so that one of a batch does not end the others.
const isAnswer = (error: unknown, verify: unknown): error is ZenhookError =>
  isSecretError(error) ||
  (isZenhookError(error) &&
    (error.code === 'ZENHOOK_VERIFY_KEY_FETCH' ||
      (error.code === 'ZENHOOK_VERIFY_SETTINGS' && verify === undefined)))

/** A verifier with those of the secrets that can be used; throws what is wrong with them where none can. */
const usable = (options: VerifierOptions): Verifier => {
  try {
    return createVerifier(options)
  } catch (error) {
    const { secrets } = options
    const place = isSecretError(error) ? error.details.index : undefined
    const others = secrets.filter((_, index) => index !== place)
    if (others.length === 0 || others.length === secrets.length) throw error
    return usable({ ...options, secrets: others })
  }
}

/** The signature debugger: verifies one recorded request, and says which step failed. */
export const verifyRecord = async (
  input: unknown,
  options: { fetchKey?: (url: string) => Promise<string> } = {},
): Promise<BatchResult> => {
  const parsed = record.safeParse(input)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new ZenhookError('ZENHOOK_VERIFY_RECORD', {
      message: `${issue?.path.join('.') || 'record'}: ${issue?.message ?? 'not valid'}`,
    })
  }
  const { provider, verify, secrets, method, url, headers, body, bodyEncoding, at } = parsed.data
  const now = timeOf(at)
  const address = url ?? 'http://localhost/'
  const request: RawRequest = {
    method: method ?? 'POST',
    url: address,
    ...splitUrl(address),
    headers: Object.entries(headers ?? {}).flatMap(([name, value]) =>
      [value].flat().map((each) => [name, each] as const),
    ),
    body: Buffer.from(body ?? '', bodyEncoding ?? 'utf8'),
  }
  try {
    const verifier = usable({
      ...(provider && { provider }),
      ...(verify && { verify }),
      secrets,
      // What vendors publish in their examples is often shorter than what a source may have.
      minSecretBytes: 1,
      ...options,
    })
    const verified = await verifier.verify(request, now)
    if (!verified.ok) return refused(verified.reason, verified.step)
    const { deliveryId = null, type } = verified
    return { ok: true, reason: null, step: null, deliveryId, type }
  } catch (error) {
    if (!isAnswer(error, verify ?? undefined)) throw error
    const step = isSecretError(error) ? 'secret' : 'key'
    return refused('mismatch', `${step}: ${error.message}`)
  }
}
