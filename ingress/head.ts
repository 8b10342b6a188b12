import { isRequestId } from '../core/telemetry/request-id.ts'
import { type Refusal, refuse } from './problems.ts'

/** What the head of a request says, read once from its raw fields: Node joins or drops duplicates. */
export interface Head {
  /** Declared length; absent for chunked bodies and where nothing is said. */
  contentLength?: number
  chunked: boolean
  contentType: string
  /** Content coding as it is said, lower case; absent for identity. */
  coding?: string
  requestId?: string
  traceparent?: string
  tracestate?: string
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+\/[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

const malformed = (detail: string): Refusal =>
  refuse('ZENHOOK_INGRESS_MALFORMED', { detail, close: true })

const framing = 'The fields that frame the request contradict each other or say it twice'

/**
 * Reads the raw fields (`name, value, name, value …`). A request whose framing two readers could take
 * differently is refused, and its connection closed: nothing may hide behind it.
 */
export const readHead = (rawHeaders: readonly string[], httpVersion: string): Head | Refusal => {
  let hosts = 0
  let lengths = 0
  let codings = 0
  let traces = 0
  const head: Head = { chunked: false, contentType: '' }
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const value = rawHeaders[at + 1] ?? ''
    switch (rawHeaders[at]?.toLowerCase()) {
      case 'host':
        hosts += 1
        break
      case 'content-length':
        lengths += 1
        if (!/^\d{1,15}$/.test(value)) return malformed(framing)
        head.contentLength = Number(value)
        break
      case 'transfer-encoding':
        codings += 1
        if (value.toLowerCase() !== 'chunked') return malformed(framing)
        head.chunked = true
        break
      case 'content-encoding': {
        const coding = value.trim().toLowerCase()
        if (coding === '' || coding === 'identity') break
        head.coding = head.coding === undefined ? coding : `${head.coding}, ${coding}`
        break
      }
      case 'content-type':
        if (head.contentType !== '') return malformed('The content type is said twice')
        head.contentType = value
        break
      case 'x-request-id':
        if (isRequestId(value)) head.requestId ??= value
        break
      case 'traceparent':
        traces += 1
        head.traceparent = value
        break
      case 'tracestate':
        if (value.length <= 512)
          head.tracestate = head.tracestate === undefined ? value : `${head.tracestate},${value}`
        break
    }
  }
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) return malformed(framing)
  if (lengths > 1 || codings > 1 || (lengths > 0 && codings > 0)) return malformed(framing)
  if (codings > 0 && httpVersion !== '1.1') return malformed(framing)
  // Two parents are no parent; a state means nothing without one.
  if (traces !== 1) delete head.traceparent
  if (head.traceparent === undefined) delete head.tracestate
  return head
}

/** Sane, or absent. For answers to requests whose head was refused. */
export const requestIdOf = (rawHeaders: readonly string[]): string | undefined => {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const value = rawHeaders[at + 1] ?? ''
    if (rawHeaders[at]?.toLowerCase() === 'x-request-id' && isRequestId(value)) return value
  }
  return undefined
}

/** Whether the body can be what its type says; JSON is UTF-8, whatever else is claimed. */
export const checkMedia = (contentType: string): Refusal | undefined => {
  if (contentType === '') return undefined
  const [media = '', ...parameters] = contentType.split(';')
  const type = media.trim().toLowerCase()
  if (!token.test(type) || contentType.length > 512)
    return refuse('ZENHOOK_INGRESS_UNSUPPORTED_MEDIA', { detail: 'The content type is none' })
  if (!isJson(contentType)) return undefined
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=')
    if (name.trim().toLowerCase() !== 'charset') continue
    const charset = value.trim().replaceAll('"', '').toLowerCase()
    if (charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii')
      return refuse('ZENHOOK_INGRESS_UNSUPPORTED_MEDIA', { detail: 'JSON must be sent as UTF-8' })
  }
  return undefined
}

export const isJson = (contentType: string): boolean => {
  const end = contentType.indexOf(';')
  const media = (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
  return media === 'application/json' || media === 'text/json' || media.endsWith('+json')
}

export const isRefusal = (value: object): value is Refusal => 'code' in value
