import { z } from 'zod'
import { ZenhookError } from '../../core/errors/index.ts'
import { createVerifier } from './create.ts'
import type { RawRequest, RefusalReason } from './types.ts'
import { splitUrl } from './view.ts'

const record = z.object({
  provider: z.string(),
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
  const verifier = createVerifier({
    ...(provider === '' ? {} : { provider }),
    ...(verify && { verify }),
    secrets,
    // What vendors publish in their examples is often shorter than what a source may have.
    minSecretBytes: 1,
    ...options,
  })
  const request: RawRequest = {
    method,
    url,
    ...splitUrl(url),
    headers: Object.entries(headers).flatMap(([name, value]) =>
      [value].flat().map((each) => [name, each] as const),
    ),
    body: Buffer.from(body, bodyEncoding),
  }
  const verified = await verifier.verify(request, timeOf(at))
  return verified.ok
    ? {
        ok: true,
        reason: null,
        step: null,
        deliveryId: verified.deliveryId ?? null,
        type: verified.type,
      }
    : { ok: false, reason: verified.reason, step: verified.step, deliveryId: null, type: null }
}
