import { ZenhookError } from '../../core/errors/index.ts'
import { inTime } from '../../core/time/limits.ts'
import { failedStatus } from '../http.ts'
import { exchangeJson, malformed, textOf } from '../json.ts'
import type { ConnectorContext, Failed } from '../types.ts'

export type Authorization = { header: string } | { failed: Failed }

/** The credentials of a destination; a token is kept until shortly before its end. */
export interface Auth {
  header(context: ConnectorContext, signal: AbortSignal): Promise<Authorization>
  /** The receiver refused the header: says whether another one may do better. */
  refused(header: string): boolean
}

const marginMs = 60_000

const late = (): ZenhookError => {
  const message = 'The token endpoint did not answer within the time of the attempt'
  return new ZenhookError('ZENHOOK_NET_TIMEOUT', { message, retriable: true })
}

export const createAuth = (root: string): Auth => {
  let token: { header: string; until: number } | undefined
  let asking: Promise<Authorization> | undefined

  const ask = async (
    context: ConnectorContext,
    id: string,
    secret: string,
    signal: AbortSignal,
  ): Promise<Authorization> => {
    const { response, data } = await exchangeJson(context, `${root}/oauth_token.do`, {
      form: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: id,
        client_secret: secret,
      }),
      signal,
    })
    if (response.status !== 200) return { failed: failedStatus(response, context.now()) }
    const access = textOf(data?.access_token)
    if (access === '') {
      // What it says instead is not shown: it may be a token in another place.
      const error = `The token endpoint answered ${response.status} without an access token`
      return { failed: { ...malformed(response), possibleDuplicate: false, error } }
    }
    const life = Number(data?.expires_in)
    const lifeMs = Number.isFinite(life) ? life * 1000 : 5 * marginMs
    const header = `Bearer ${access}`
    token = { header, until: context.now() + Math.max(0, lifeMs - marginMs) }
    return { header }
  }

  return {
    async header(context, signal) {
      const roles = ['clientId', 'clientSecret', 'username', 'password'] as const
      const [[id], [secret], [user], [password]] = await Promise.all(
        roles.map((role) => context.secrets(role)) as [
          Promise<readonly string[]>,
          Promise<readonly string[]>,
          Promise<readonly string[]>,
          Promise<readonly string[]>,
        ],
      )
      if (id !== undefined && secret !== undefined) {
        if (token !== undefined && token.until > context.now()) return { header: token.header }
        // One question for all attempts that wait for the answer; who asked may have more time left.
        if (asking !== undefined) return inTime(asking, context.timeoutMs, late)
        asking = ask(context, id, secret, signal).finally(() => {
          asking = undefined
        })
        return asking
      }
      if (user !== undefined && password !== undefined) {
        return { header: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
      }
      const error = 'Neither username and password nor clientId and clientSecret are configured'
      return { failed: { kind: 'failed', reason: 'no_credentials', retriable: false, error } }
    },
    refused(header) {
      if (token?.header !== header) return header.startsWith('Bearer ')
      token = undefined
      return true
    },
  }
}
