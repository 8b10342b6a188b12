import { ZenhookError } from '../../core/errors/index.ts'
import type { Egress } from '../../core/net/index.ts'
import type { Secrets } from '../../core/registry/port.ts'
import type { Destination } from '../../core/registry/types.ts'
import { oneLine } from '../http.ts'
import type { Connector, ConnectorContext, ConnectorKind } from '../types.ts'

/** A connector made for one destination as it is configured now. */
export interface Instance {
  connector: Connector
  /**
   * Takes out of a text what a receiver may have echoed: secrets, credentials made of them, and the beginning of one
   * where the text was cut (`…`) within it.
   */
  scrub(text: string): string
}

export type Shared = Pick<
  ConnectorContext,
  'egress' | 'kv' | 'now' | 'hash' | 'timeoutMs' | 'publish' | 'putInBin'
>

/** As it may be echoed: as it is, on one line, as a form has it, and of a URL what stands behind its host. */
const formsOf = (secret: string): readonly string[] => {
  const url = /^https?:/i.test(secret) && URL.canParse(secret) ? new URL(secret) : undefined
  const form = new URLSearchParams({ '': secret }).toString().slice(1)
  const path = url === undefined || url.pathname === '/' ? '' : `${url.pathname}${url.search}`
  return [...new Set([secret, oneLine(secret), form, path])].filter((text) => text !== '')
}

/** Length of the beginning of a secret with which a text ends. */
const stumpOf = (text: string, secret: string): number => {
  let length = Math.min(text.length, secret.length)
  while (length > 0 && !text.endsWith(secret.slice(0, length))) length -= 1
  return length
}

const scrubbed = (text: string, hidden: readonly string[]): string => {
  const parts = text.split('…')
  const ends = parts.length - 1
  const whole = parts
    .map((part, index) => {
      const stumps = index === ends ? [] : hidden.map((secret) => stumpOf(part, secret))
      return part.slice(0, part.length - Math.max(0, ...stumps))
    })
    .join('…')
  // The longest first: another may be a part of it.
  const longest = hidden.toSorted((a, b) => b.length - a.length)
  return longest.reduce((clean, secret) => clean.replaceAll(secret, '…'), whole)
}

/** Values of one destination that are looked for, in all their forms. */
const maxHidden = 100

/** Instances by the destination's object: a registry that switches gives new objects for what changed. */
export const createInstances = (
  kinds: readonly ConnectorKind[],
  secrets: Secrets,
  shared: Shared,
): ((destination: Destination) => Instance) => {
  const byName = new Map(kinds.map((kind) => [kind.spec.name, kind]))
  const instances = new WeakMap<Destination, Instance>()

  const make = (destination: Destination): Instance => {
    const kind = byName.get(destination.connector)
    if (kind === undefined) {
      throw new ZenhookError('ZENHOOK_CONNECTOR_UNKNOWN', {
        message: `Destination ${destination.tenant}/${destination.name} names the connector ${destination.connector}, which does not exist`,
      })
    }
    let hidden: readonly string[] = []
    const hide = (values: readonly string[]): void => {
      const unknown = values.filter((value) => value !== '' && !hidden.includes(value))
      if (unknown.length > 0) hidden = [...hidden, ...unknown.flatMap(formsOf)].slice(-maxHidden)
    }
    // What goes out as a credential is one, whoever made it: a user and password together, a token that was fetched.
    const egress: Egress = {
      ...shared.egress,
      request(url, request) {
        const credential = request.headers?.authorization?.replace(/^\S+\s+/, '')
        if (credential !== undefined) hide([credential])
        return shared.egress.request(url, request)
      },
    }
    const connector = kind.create({
      ...shared,
      egress,
      destination,
      async secrets(role) {
        const refs = destination.secrets[role] ?? []
        const list = typeof refs === 'string' ? [refs] : refs
        const values = await Promise.all(
          list.map((ref) => secrets.resolve(destination.tenant, ref)),
        )
        hide(values)
        return values
      },
    })
    return { connector, scrub: (text) => scrubbed(text, hidden) }
  }

  return (destination) => {
    const known = instances.get(destination)
    if (known !== undefined) return known
    const made = make(destination)
    instances.set(destination, made)
    return made
  }
}
