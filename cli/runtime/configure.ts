import type { Applied, ObjectPlace } from '../../api/types.ts'
import { ZenhookError } from '../../core/errors/index.ts'
import { type CheckedConfig, checkConfig } from '../../core/registry/config/index.ts'
import type { AnyObject } from '../../core/registry/port.ts'
import { components } from '../components.ts'
import { checkObject } from './check-object.ts'
import type { ConfigFile } from './flow.ts'
import type { RegistryParts } from './registry.ts'

export interface Configurer {
  /** Publishes the file of the start, if there is one, and what always stands beside it. */
  begin(config: ConfigFile | undefined): Promise<void>
  /** Replaces the whole configuration by a file's (and the demo's objects, where there is a demo). */
  apply(text: string, file: string, dryRun: boolean): Promise<Applied>
  /** The object, if it may stand beside what is published. */
  checkObject(place: ObjectPlace, spec: object): AnyObject
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

export const createConfigurer = (
  { reader, writer, plain }: RegistryParts,
  alwaysFile: ConfigFile | undefined,
): Configurer => {
  const always =
    alwaysFile === undefined ? [] : readConfig(alwaysFile.text, alwaysFile.file).objects
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
      if (config === undefined) await writer.publish({ put: plain.intern(always) })
      else await apply(config.text, config.file, false)
    },
    checkObject(place, spec) {
      const object = checkObject(place, spec, reader.snapshot())
      const [interned = object] = plain.intern([object])
      return interned
    },
  }
}
