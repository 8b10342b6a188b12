import { createHmac, timingSafeEqual } from 'node:crypto'

/** Bytes of every body. */
export const bodySize = 1024
export const tenant = 'bench'
export const source = 'github'
export const githubSecret = 'a-secret-that-only-this-benchmark-uses'
export const signatureHeader = 'x-hub-signature-256'

/** One request of a run. */
export interface Message {
  id: string
  body: Buffer
  headers: readonly string[]
}

// The id leads the body, so that whoever receives it needs no parser: a commit's hash of 40 digits.
const head = '{"after":"'
const runLength = 16
const idLength = 32

/** Ids are 16 hex digits of the run and 16 of the position in it. */
export const idAt = (run: string, position: number): string =>
  run + position.toString(16).padStart(idLength - runLength, '0')

export const runOf = (id: string): string => id.slice(0, runLength)

/** The id in a body that was made here. */
export const idIn = (body: Buffer): string =>
  body.toString('latin1', head.length, head.length + idLength)

/** The id as GitHub's delivery header gives it. */
export const deliveryOf = (id: string): string =>
  id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

const bodyOf = (id: string): Buffer => {
  const start = `${head}${id}00000000","before":"6113728f27ae82c7b1a177c8d03f9e96e0adf246","ref":"refs/heads/main","created":false,"deleted":false,"forced":false,"compare":"https://github.com/octo-org/octo-repo/compare/6113728f27ae...main","repository":{"id":186853002,"name":"octo-repo","full_name":"octo-org/octo-repo","private":false,"html_url":"https://github.com/octo-org/octo-repo","default_branch":"main"},"pusher":{"name":"octocat","email":"octocat@github.com"},"sender":{"login":"octocat","id":21031067,"type":"User"},"head_commit":{"id":"${id}00000000","timestamp":"2026-01-01T00:00:00Z","message":"`
  const end = '"}}'
  const fill = 'Keep the retries of a delivery bounded. '.repeat(20)
  return Buffer.from(start + fill.slice(0, bodySize - start.length - end.length) + end)
}

export const signatureOf = (body: Uint8Array): string =>
  `sha256=${createHmac('sha256', githubSecret).update(body).digest('hex')}`

/** What every bare server checks, and all that it checks. */
export const isGenuine = (body: Uint8Array, signature: string | undefined): boolean => {
  const expected = Buffer.from(signatureOf(body))
  const given = Buffer.from(signature ?? '')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** A push as GitHub sends it, signed. */
export const messageOf = (id: string): Message => {
  const body = bodyOf(id)
  return {
    id,
    body,
    headers: [
      ...['content-type', 'application/json', 'user-agent', 'GitHub-Hookshot/044aadd'],
      ...['x-github-event', 'push', 'x-github-delivery', deliveryOf(id)],
      ...['x-github-hook-id', '292430182', signatureHeader, signatureOf(body)],
    ],
  }
}
