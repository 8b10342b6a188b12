import type { Applied } from '../../api/types.ts'
import { connectors } from '../../connectors/index.ts'
import { nearest } from '../../core/config/nearest.ts'
import { messageOf, ZenhookError } from '../../core/errors/index.ts'
import { compileCondition } from '../../core/expression/condition.ts'
import { compileTransform } from '../../core/expression/transform.ts'
import { type CheckedConfig, checkConfig } from '../../core/registry/config/index.ts'
import type { AnyObject } from '../../core/registry/port.ts'
import type { Route } from '../../core/registry/types.ts'
import { presetOf } from '../../ingress/verifiers/index.ts'
import { components } from '../components.ts'
import type { ConfigFile } from './flow.ts'
import type { RegistryParts } from './registry.ts'

export interface Configurer {
  /** Publishes the file of the start, if there is one, and what always stands beside it. */
  begin(config: ConfigFile | undefined): Promise<void>
  /** Replaces the whole configuration by a file's (and the demo's objects, where there is a demo). */
  apply(text: string, file: string, dryRun: boolean): Promise<Applied>
  /** The object, if it may stand beside what is published. */
  checkObject(object: AnyObject): Promise<AnyObject>
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
    checkObject: (object) => checkObject(object, { reader, plain }),
  }
}

const checkObject = async (
  object: AnyObject,
  { reader, plain }: Pick<RegistryParts, 'reader' | 'plain'>,
): Promise<AnyObject> => {
  if (object.kind === 'source') presetOf(object.spec)
  if (object.kind === 'destination') checkDestination(object.spec)
  if (object.kind === 'route') checkRoute(object.spec, reader)
  const [interned] = plain.intern([object])
  return interned ?? object
}

const invalid = (pointer: string, detail: string): ZenhookError =>
  new ZenhookError('ZENHOOK_API_INVALID', {
    message: `${pointer}: ${detail}`,
    details: { errors: [{ pointer: `#/${pointer}`, detail }] },
  })

const checkDestination = (spec: { connector: string; config: unknown }): void => {
  const kind = connectors.find((each) => each.spec.name === spec.connector)
  if (kind === undefined) {
    const near = nearest(
      spec.connector,
      connectors.map((each) => each.spec.name),
    )
    const hint = near === undefined ? '' : `; did you mean ${near}?`
    throw invalid('connector', `there is no connector ${spec.connector}${hint}`)
  }
  const parsed = kind.spec.config.safeParse(spec.config)
  if (parsed.success) return
  const [issue] = parsed.error.issues
  throw invalid(['config', ...(issue?.path ?? [])].map(String).join('/'), issue?.message ?? '')
}

const checkRoute = (route: Route, reader: RegistryParts['reader']): void => {
  for (const name of route.to) {
    if (reader.snapshot().destination(route.tenant, name) === undefined) {
      throw invalid('to', `tenant ${route.tenant} has no destination ${name}`)
    }
  }
  try {
    compileCondition(route.when)
  } catch (error) {
    throw invalid('when', messageOf(error))
  }
  if (route.transform === undefined) return
  try {
    compileTransform(route.transform)
  } catch (error) {
    throw invalid('transform', messageOf(error))
  }
}
