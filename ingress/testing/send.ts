import { Agent, request } from 'node:http'
import type { Draft } from '../verifiers/types.ts'

export interface Reply {
  status: number
  body: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  tookMs: number
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/** Sends a signed request to a port of this machine as it is, whatever host its URL names. */
export const sendDraft = (port: number, draft: Draft): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const { pathname, search } = new URL(draft.url)
    const startedAt = performance.now()
    const outgoing = request(
      { host: '127.0.0.1', port, agent, method: draft.method, path: pathname + search },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            body: Buffer.concat(chunks).toString(),
            headers: incoming.headers,
            tookMs: performance.now() - startedAt,
          }),
        )
      },
    )
    outgoing.on('error', reject)
    const values = new Map<string, string[]>()
    for (const [name, value] of draft.headers)
      values.set(name.toLowerCase(), [...(values.get(name.toLowerCase()) ?? []), value])
    for (const [name, all] of values)
      outgoing.setHeader(name, all.length === 1 ? (all[0] ?? '') : all)
    outgoing.setHeader('content-length', draft.body.length)
    outgoing.end(draft.body)
  })

/** A refusal without what names the request. */
export const refusalOf = ({ status, body }: Reply): string => {
  const { request_id: _, ...rest } = JSON.parse(body) as Record<string, unknown>
  return `${status} ${JSON.stringify(rest)}`
}
