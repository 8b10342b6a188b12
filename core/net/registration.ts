import { messageOf } from '../errors/index.ts'
import { kindOf } from './address.ts'
import { parseTarget, type Target } from './url.ts'

const isLocalName = (host: string): boolean => host === 'localhost' || host.endsWith('.localhost')

/**
 * Why a URL of the configuration can never be connected to, as far as that can be seen without asking a name
 * server; `undefined` where dialling decides. Says nothing of what lies behind an address.
 */
export const targetFault = (url: string, allowPrivate: boolean): string | undefined => {
  let target: Target
  try {
    target = parseTarget(url)
  } catch (error) {
    return messageOf(error)
  }
  const kind = target.literal
    ? kindOf(target.host)
    : isLocalName(target.host)
      ? 'private'
      : 'public'
  if (kind === 'forbidden') return 'The host is at an address that is never dialled'
  if (kind === 'private' && !allowPrivate)
    return 'The host is at a private address: that needs allowPrivate here, and a grant of the operator'
  return undefined
}
