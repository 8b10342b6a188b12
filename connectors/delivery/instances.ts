import { ZenhookError } from '../../core/errors/index.ts'
import type { Secrets } from '../../core/registry/port.ts'
import type { Destination } from '../../core/registry/types.ts'
import type { Connector, ConnectorContext, ConnectorKind } from '../types.ts'

/** A connector made for one destination as it is configured now. */
export interface Instance {
  connector: Connector
  /** Takes values of secrets out of a text that a receiver may have echoed. */
  scrub(text: string): string
}

export type Shared = Pick<
  ConnectorContext,
  'egress' | 'kv' | 'now' | 'hash' | 'timeoutMs' | 'publish' | 'putInBin'
>

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
    let seen: readonly string[] = []
    const connector = kind.create({
      ...shared,
      destination,
      async secrets(role) {
        const refs = destination.secrets[role] ?? []
        const list = typeof refs === 'string' ? [refs] : refs
        const values = await Promise.all(
          list.map((ref) => secrets.resolve(destination.tenant, ref)),
        )
        if (values.some((value) => !seen.includes(value))) seen = [...seen.slice(-20), ...values]
        return values
      },
    })
    return {
      connector,
      scrub: (text) =>
        seen.reduce((clean, value) => (value === '' ? clean : clean.replaceAll(value, '…')), text),
    }
  }

  return (destination) => {
    const known = instances.get(destination)
    if (known !== undefined) return known
    const made = make(destination)
    instances.set(destination, made)
    return made
  }
}
