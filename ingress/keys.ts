import type { Egress } from '../core/net/index.ts'

/**
 * Fetches what verifies (a key set, a certificate) from an address of the configuration or of a provider:
 * one GET through the guarded client, which follows no redirect, reads a bounded answer and dials checked
 * addresses alone. Rejects for any answer but a whole 200 within the time.
 */
export const createKeyFetcher =
  (egress: Pick<Egress, 'request'>, timeoutMs = 5_000) =>
  async (url: string): Promise<string> => {
    const { status, body, truncated } = await egress.request(url, {
      method: 'GET',
      headers: { accept: 'application/json, application/x-pem-file, */*;q=0.1' },
      timeoutMs,
    })
    if (status !== 200) throw new Error(`the host of the key answered ${status}`)
    if (truncated) throw new Error('the answer of the host of the key is too long')
    return new TextDecoder().decode(body)
  }
