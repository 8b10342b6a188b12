import type { Dispatcher } from 'undici'
import { ZenhookError } from '../errors/index.ts'
import type { EgressRequest, EgressResponse } from './egress.ts'
import { failureOf } from './failure.ts'
import type { Target } from './url.ts'

type IncomingHeaders = Record<string, string | string[] | undefined>

const flatten = (headers: IncomingHeaders): Record<string, string> => {
  const flat: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return flat
}

/**
 * One request and its answer, within one deadline. Built on undici's handlers: they cost a third of
 * its streams, and let the socket be cut at any moment.
 */
export const exchange = (
  dispatcher: Dispatcher,
  { origin, path }: Target,
  { method = 'POST', headers, body, timeoutMs, signal }: EgressRequest,
  maxResponseBytes: number,
): Promise<EgressResponse> =>
  new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined
    let over = false
    let status = 0
    let received: Record<string, string> = {}
    const chunks: Buffer[] = []
    let size = 0

    const end = (finish: () => void, cut?: Error): void => {
      if (over) return
      over = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      if (cut !== undefined) controller?.abort(cut)
      finish()
    }
    const fail = (error: ZenhookError): void => end(() => reject(error), error)
    const answer = (truncated: boolean, cut?: Error): void => {
      const whole =
        chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
      const kept = whole.length > maxResponseBytes ? whole.subarray(0, maxResponseBytes) : whole
      end(() => resolve({ status, headers: received, body: kept, truncated }), cut)
    }
    const onAbort = (): void =>
      fail(
        new ZenhookError('ZENHOOK_NET_CANCELLED', {
          message: `The request to ${origin} was cancelled`,
          details: { sent: controller !== undefined },
        }),
      )
    const onLate = (): void =>
      fail(
        new ZenhookError('ZENHOOK_NET_TIMEOUT', {
          message: `${origin} did not answer completely within ${Math.round(timeoutMs)} ms`,
          retriable: true,
          details: { sent: controller !== undefined },
        }),
      )
    const timer = setTimeout(onLate, timeoutMs)

    if (signal?.aborted) return onAbort()
    if (timeoutMs <= 0) return onLate()
    signal?.addEventListener('abort', onAbort)

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        // It waited for a connection beyond its deadline: nothing is sent any more.
        if (over) started.abort(new Error('cancelled'))
        else controller = started
      },
      onResponseStart(_controller, statusCode, responseHeaders) {
        if (statusCode < 200) return
        status = statusCode
        received = flatten(responseHeaders)
      },
      onResponseData(_controller, chunk) {
        if (over) return
        chunks.push(chunk)
        size += chunk.length
        if (size > maxResponseBytes)
          answer(true, new Error('The answer is longer than what is read'))
      },
      onResponseEnd() {
        answer(false)
      },
      onResponseError(_controller, error) {
        if (!over) fail(failureOf(error, origin, controller !== undefined))
      },
    }
    try {
      dispatcher.dispatch({ origin, path, method, headers, body, reset: false }, handler)
    } catch (error) {
      fail(failureOf(error, origin, false))
    }
  })
