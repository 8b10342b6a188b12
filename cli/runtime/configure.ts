import type { Applied, ObjectPlace } from '../../api/types.ts'
import { hasCode, ZenhookError } from '../../core/errors/index.ts'
import { type CheckedConfig, checkConfig } from '../../core/registry/config/index.ts'
import type { AnyObject } from '../../core/registry/port.ts'
import { keyOf } from '../../core/registry/snapshot.ts'
import { components } from '../components.ts'
import { checkObject, wrong } from './check-object.ts'
import type { ConfigFile } from './flow.ts'
import type { RegistryParts } from './registry.ts'

/** What stands without a file: the demo's objects, or those of a demo that is not wanted any more. */
export interface Standing {
  /** Stand beside every file that is applied. */
  always?: ConfigFile
  /** Removed at a start without a file, where its sources still have these secrets. */
  unwanted?: ConfigFile
}

export interface Configurer {
  /** Publishes the file of the start, if there is one, and what always stands beside it. */
  begin(config: ConfigFile | undefined): Promise<void>
  /** Replaces the whole configuration by a file's (and the demo's objects, where there is a demo). */
  apply(text: string, file: string, dryRun: boolean): Promise<Applied>
  /** The object, if it may stand beside what is published. */
  checkObject(place: ObjectPlace, spec: object, present: readonly AnyObject[]): AnyObject
}

/** The objects of a configuration file; throws ZENHOOK_CONFIG_INVALID with every fault and its place. */
export const readConfig = (text: string, file: string): CheckedConfig => {
  const checked = checkConfig(text, file, components)
  if (checked.faults.length === 0) return checked
  throw new ZenhookError('ZENHOOK_CONFIG_INVALID', {
    message: `${file} has ${checked.faults.length === 1 ? 'a fault' : `${checked.faults.length} faults`}`,
    details: {
      errors: checked.faults.map(({ file, line, column, code, message }) => ({
        pointer: `${file}:${line}:${column}`,
        detail: `${code} ${message}`,
      })),
    },
  })
}

const objectsOf = (config: ConfigFile | undefined): readonly AnyObject[] =>
  config === undefined ? [] : readConfig(config.text, config.file).objects

const haveSameSecrets = (one: AnyObject, other: AnyObject | undefined): boolean =>
  one.kind === 'source' &&
  other?.kind === 'source' &&
  one.spec.secrets.join() === other.spec.secrets.join()

export const createConfigurer = (
  { writer, plain }: Pick<RegistryParts, 'writer' | 'plain'>,
  standing: Standing,
): Configurer => {
  const always = objectsOf(standing.always)
  /** What is there of a demo that is not wanted: nothing where somebody else's source took its name. */
  const leftovers = async () => {
    const unwanted = objectsOf(standing.unwanted)
    if (unwanted.length === 0) return []
    const { objects } = await writer.present()
    const published = new Map(objects.map((object) => [keyOf(object), object]))
    const same = unwanted.every(
      (object) => object.kind !== 'source' || haveSameSecrets(object, published.get(keyOf(object))),
    )
    return same ? unwanted.map(({ kind, spec: { tenant, name } }) => ({ kind, tenant, name })) : []
  }
  const apply: Configurer['apply'] = async (text, file, dryRun) => {
    const { objects, warnings } = readConfig(text, file)
    const change = { replace: plain.intern([...objects, ...always]) }
    if (!dryRun) return { ...(await writer.publish(change)), warnings }
    const { revision } = await writer.present()
    return { revision, changed: await writer.diff(change), warnings }
  }
  return {
    apply,
    async begin(config) {
      if (config !== undefined) await apply(config.text, config.file, false)
      else await writer.publish({ put: plain.intern(always), delete: await leftovers() })
    },
    checkObject(place, spec, present) {
      const object = checkObject(place, spec, present)
      try {
        const [interned = object] = plain.intern([object], present)
        return interned
      } catch (error) {
        if (!hasCode(error, 'ZENHOOK_REGISTRY_SECRET_MISSING')) throw error
        throw wrong('secrets', `${error.message}. ${error.fix}`)
      }
    },
  }
}
