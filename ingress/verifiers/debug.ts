import { z } from 'zod'
import { isZenhookError, ZenhookError } from '../../core/errors/index.ts'
import { createVerifier, type VerifierOptions } from './create.ts'
import type { RawRequest, RefusalReason, Verifier } from './types.ts'
import { splitUrl } from './view.ts'

const record = z.object({
  provider: z.string().optional(),
  /** Settings of the preset, or a scheme spelled out. */
  verify: z.record(z.string(), z.unknown()).optional(),
  secrets: z.array(z.string()),
  method: z.string().default('POST'),
  url: z.string().default('http://localhost/'),
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])).default({}),
  body: z.string().default(''),
  bodyEncoding: z.enum(['utf8', 'base64']).default('utf8'),
  /** RFC 3339, or milliseconds. */
  at: z.union([z.string(), z.number()]).optional(),
})

export type BatchRecord = z.input<typeof record>

export interface BatchResult {
  readonly ok: boolean
  readonly reason: RefusalReason | null
  readonly step: string | null
  readonly deliveryId: string | null
  readonly type: string | null
}

const timeOf = (at: string | number | undefined): number => {
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

/** A verifier with those of the secrets that can be used, or what is wrong with them. */
const usable = (
  settings: Omit<VerifierOptions, 'secrets'>,
  secrets: readonly string[],
): { verifier: Verifier } | { step: string } => {
  try {
    return { verifier: createVerifier({ ...settings, secrets }) }
  } catch (error) {
    if (!isSecretError(error)) throw error
    const place = error.details.index
    const others = secrets.filter((_, index) => index !== place)
    return typeof place === 'number' && others.length > 0 && others.length < secrets.length
      ? usable(settings, others)
      : { step: `secret: ${error.message}` }
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
  const settings = {
    ...(provider !== undefined && { provider }),
    ...(verify && { verify }),
    // What vendors publish in their examples is often shorter than what a source may have.
    minSecretBytes: 1,
    ...options,
  }
  const made = usable(settings, secrets)
  if ('step' in made) return refused('mismatch', made.step)
  const request: RawRequest = {
    method,
    url,
    ...splitUrl(url),
    headers: Object.entries(headers).flatMap(([name, value]) =>
      [value].flat().map((each) => [name, each] as const),
    ),
    body: Buffer.from(body, bodyEncoding),
  }
  const verified = await made.verifier.verify(request, timeOf(at))
  return verified.ok
    ? {
        ok: true,
        reason: null,
        step: null,
        deliveryId: verified.deliveryId ?? null,
        type: verified.type,
      }
    : refused(verified.reason, verified.step)
}
