import { isGiven, lackingSecrets } from '../../config/component.ts'
import { formatSize, parseSize } from '../../config/units.ts'
import { compilePath } from '../../expression/path.ts'
import { namePattern } from '../objects.ts'
import type { AnyObject } from '../port.ts'
import { buildDestination, buildSource, standardSchedule } from './build.ts'
import { badType, type Checking, checkText, isMap, unknownName } from './checking.ts'
import { type DataPath, dataAt, type RawFault } from './document.ts'
import { schemaFaults, unknownKey } from './issues.ts'
import { checkRoutes } from './routes.ts'
import { destinationFile, type ProviderInfo, sourceFile } from './schema.ts'

const tenantKeys = ['sources', 'destinations', 'routes']

export const checkTenant = (
  checking: Checking,
  tenant: string,
  value: unknown,
): readonly AnyObject[] => {
  const { located } = checking
  const path = ['tenants', tenant]
  checkName(checking, path)
  if (value === null) return []
  if (!isMap(value)) {
    badType(checking, path, 'a map with sources, destinations and routes')
    return []
  }
  for (const key of Object.keys(value)) {
    if (!tenantKeys.includes(key)) checking.fault(unknownKey(located, [...path, key], tenantKeys))
  }
  const each = (
    kind: 'sources' | 'destinations',
    check: (path: DataPath, tenant: string, name: string, value: unknown) => AnyObject | undefined,
  ): readonly AnyObject[] => {
    const named = value[kind] ?? {}
    if (!isMap(named)) {
      badType(checking, [...path, kind], `a map of ${kind}`)
      return []
    }
    return Object.entries(named).flatMap(([name, spec]) => {
      const at = [...path, kind, name]
      checkName(checking, at)
      return check(at, tenant, name, spec) ?? []
    })
  }
  const sources = each('sources', (...parts) => checkSource(checking, ...parts))
  const destinations = each('destinations', (...parts) => checkDestination(checking, ...parts))
  const names = isMap(value.destinations) ? Object.keys(value.destinations) : []
  const routes = checkRoutes(checking, [...path, 'routes'], tenant, value.routes ?? [], names)
  return [...sources, ...destinations, ...routes]
}

const checkName = ({ located, fault }: Checking, path: DataPath): void => {
  const name = String(path.at(-1))
  if (namePattern.test(name)) return
  const message = `'${name}' is not a DNS label`
  fault({ offset: located.keyAt(path), code: 'ZENHOOK_CONFIG_BAD_NAME', message })
}

const checkPath = (checking: Checking, path: DataPath): void =>
  checkText(checking, path, 'ZENHOOK_CONFIG_BAD_PATH', compilePath)

const warnPlain = ({ located, warn }: Checking, path: DataPath): void => {
  const walk = (at: DataPath, value: unknown): void => {
    if (typeof value === 'string' && value.startsWith('plain:')) {
      const message = 'a secret stands in the file itself'
      warn({ offset: located.valueAt(at), code: 'ZENHOOK_CONFIG_PLAIN_SECRET', message })
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, each] of Object.entries(value)) {
        walk([...at, Array.isArray(value) ? Number(key) : key], each)
      }
    }
  }
  walk(path, dataAt(located.data, path))
}

/** As short as the verifiers take; what is a reference is looked at when it is resolved. */
const minSecretBytes = 8

const refuseWeak = ({ located, fault }: Checking, path: DataPath): void => {
  const secrets = dataAt(located.data, path)
  if (!Array.isArray(secrets)) return
  for (const [at, ref] of secrets.entries()) {
    const [, value] = /^plain:(?:verify:)?(.*)$/s.exec(String(ref)) ?? []
    if (value === undefined || value === '' || Buffer.byteLength(value.trim()) >= minSecretBytes)
      continue
    const message = `'secrets[${at}]' is shorter than ${minSecretBytes} bytes: anybody could guess it`
    fault({ offset: located.valueAt([...path, at]), code: 'ZENHOOK_CONFIG_BAD_SECRET', message })
  }
}

const missingSecret = ({ located, fault }: Checking, path: DataPath, message: string): void =>
  fault({ offset: located.keyAt(path), code: 'ZENHOOK_CONFIG_MISSING_SECRET', message })

const checkSource = (
  checking: Checking,
  path: DataPath,
  tenant: string,
  name: string,
  value: unknown,
): AnyObject | undefined => {
  const { located, fault, largestBody } = checking
  for (const each of schemaFaults(located, path, sourceFile)) fault(each)
  if (!isMap(value)) return undefined
  checkProvider(checking, path, value)
  warnPlain(checking, [...path, 'secrets'])
  refuseWeak(checking, [...path, 'secrets'])
  checkPath(checking, [...path, 'ordering'])
  checkPath(checking, [...path, 'dedupe', 'key'])
  const maxBody = typeof value.maxBody === 'string' ? parseSize(value.maxBody) : undefined
  if (maxBody !== undefined && (maxBody > largestBody || maxBody === 0)) {
    const message = `'maxBody' must be from 1B to ${formatSize(largestBody)}: a record has to fit into its topic`
    const offset = located.valueAt([...path, 'maxBody'])
    fault({ offset, code: 'ZENHOOK_CONFIG_BAD_VALUE', message })
  }
  const parsed = sourceFile.safeParse(value)
  return parsed.success
    ? { kind: 'source', spec: buildSource(tenant, name, parsed.data) }
    : undefined
}

const requiredRoles = (secrets: ProviderInfo['secrets']): readonly string[] =>
  Object.entries(secrets ?? {})
    .filter(([, { required }]) => required)
    .map(([role]) => role)

/** A preset or a scheme: that it exists, what it is given, and that it has its secrets. */
const checkProvider = (
  checking: Checking,
  path: DataPath,
  { provider, verify, secrets }: Readonly<Record<string, unknown>>,
): void => {
  const { located, components } = checking
  const scheme = isMap(verify) ? verify.scheme : undefined
  let needed: readonly string[] = []
  let faults = 0
  const fault = (each: RawFault): void => {
    faults += 1
    checking.fault(each)
  }
  const counting = { ...checking, fault }
  if (typeof provider === 'string') {
    const info = components.providers.find(
      (each) => each.name === provider || each.aliases?.includes(provider) === true,
    )
    if (info === undefined) {
      const known = components.providers.flatMap((each) => [each.name, ...(each.aliases ?? [])])
      unknownName(
        counting,
        [...path, 'provider'],
        'ZENHOOK_CONFIG_UNKNOWN_PROVIDER',
        'provider',
        known,
      )
    } else {
      needed = requiredRoles(info.secrets)
    }
  } else if (provider === undefined && !isMap(verify)) {
    const message = "a source needs 'provider', or a scheme under 'verify'"
    fault({ offset: located.keyAt(path), code: 'ZENHOOK_CONFIG_MISSING_KEY', message })
  } else if (provider === undefined && scheme === undefined) {
    const message = "'scheme' is missing"
    const offset = located.keyAt([...path, 'verify'])
    fault({ offset, code: 'ZENHOOK_CONFIG_MISSING_KEY', message })
  }
  if (typeof scheme === 'string') {
    const spec = components.verifiers.find((each) => each.name === scheme)
    if (spec === undefined) {
      const known = components.verifiers.map((each) => each.name)
      const at = [...path, 'verify', 'scheme']
      unknownName(counting, at, 'ZENHOOK_CONFIG_UNKNOWN_SCHEME', 'scheme', known)
    } else {
      needed = requiredRoles(spec.secrets)
      for (const each of schemaFaults(located, [...path, 'verify'], spec.config)) fault(each)
    }
  }
  if (needed.length > 0 && !isGiven(secrets)) {
    missingSecret(checking, path, `source '${String(path.at(-1))}' needs a secret`)
  }
  if (faults === 0 && isMap(verify)) checkVerify(checking, path, { provider, verify })
}

/** What only the verifiers see: settings of a preset, and settings that do not go together. */
const checkVerify = (
  { located, fault, components }: Checking,
  path: DataPath,
  { provider, verify }: { provider: unknown; verify: Readonly<Record<string, unknown>> },
): void => {
  const wrong = components.verifyFault?.({
    ...(typeof provider === 'string' && { provider }),
    verify,
  })
  if (wrong === undefined) return
  const place = [...path, 'verify', ...wrong.path]
  if (wrong.known !== undefined) fault(unknownKey(located, place, wrong.known))
  else {
    const offset = located.has(place) ? located.valueAt(place) : located.keyAt([...path, 'verify'])
    fault({ offset, code: wrong.code ?? 'ZENHOOK_CONFIG_BAD_VALUE', message: wrong.message })
  }
}

const checkDestination = (
  checking: Checking,
  path: DataPath,
  tenant: string,
  name: string,
  value: unknown,
): AnyObject | undefined => {
  const { located, fault } = checking
  for (const each of schemaFaults(located, path, destinationFile)) fault(each)
  if (!isMap(value)) return undefined
  checkConnector(checking, path, value)
  warnPlain(checking, [...path, 'secrets'])
  const parsed = destinationFile.safeParse(value)
  if (!parsed.success) return undefined
  const spec = buildDestination(tenant, name, parsed.data)
  const { attempts, delaysMs } = spec.retry
  if (attempts > delaysMs.length + 1) {
    const made = delaysMs.length + 1
    checking.warn({
      offset: located.valueAt([...path, 'retry', 'attempts']),
      code: 'ZENHOOK_CONFIG_BAD_VALUE',
      message: `only ${made} attempts are made: the schedule has ${delaysMs.length} delays`,
      fix: `Write attempts: ${made}, or add delays to the schedule (standard has ${standardSchedule.length})`,
    })
  }
  return { kind: 'destination', spec }
}

/** URLs that no attempt could ever reach: better said now than by dead letters. */
const checkTargets = (
  { located, fault, components }: Checking,
  path: DataPath,
  { config, allowPrivate }: Readonly<Record<string, unknown>>,
  targets: readonly string[],
): void => {
  for (const key of targets) {
    const url = isMap(config) && Object.hasOwn(config, key) ? config[key] : undefined
    if (typeof url !== 'string') continue
    const message = components.targetFault?.(url, allowPrivate === true)
    if (message === undefined) continue
    const offset = located.valueAt([...path, 'config', key])
    fault({ offset, code: 'ZENHOOK_CONFIG_BAD_VALUE', message: `'${key}': ${message}` })
  }
}

const checkConnector = (
  checking: Checking,
  path: DataPath,
  value: Readonly<Record<string, unknown>>,
): void => {
  const { located, fault, components } = checking
  if (typeof value.connector !== 'string') return
  const spec = components.connectors.find(({ name }) => name === value.connector)
  if (spec === undefined) {
    const known = components.connectors.map(({ name }) => name)
    const at = [...path, 'connector']
    unknownName(checking, at, 'ZENHOOK_CONFIG_UNKNOWN_CONNECTOR', 'connector', known)
    return
  }
  if (Object.hasOwn(value, 'config')) {
    for (const each of schemaFaults(located, [...path, 'config'], spec.config)) fault(each)
  } else {
    const parsed = spec.config.safeParse({})
    for (const { path: missing } of parsed.success ? [] : parsed.error.issues) {
      const message = `'config.${missing.join('.')}' is missing`
      fault({ offset: located.keyAt(path), code: 'ZENHOOK_CONFIG_MISSING_KEY', message })
    }
  }
  checkTargets(checking, path, value, spec.targets ?? [])
  const secrets = isMap(value.secrets) ? value.secrets : {}
  const roles = spec.secrets ?? {}
  for (const [role, ref] of Object.entries(secrets)) {
    const at = [...path, 'secrets', role]
    const known = Object.hasOwn(roles, role) ? roles[role] : undefined
    if (known === undefined) fault(unknownKey(located, at, Object.keys(roles)))
    else if (!known.many && Array.isArray(ref) && ref.length > 1) {
      const message = `'${role}' takes one secret, not ${ref.length}`
      fault({ offset: located.valueAt(at), code: 'ZENHOOK_CONFIG_BAD_VALUE', message })
    }
  }
  const at = Object.hasOwn(value, 'secrets') ? [...path, 'secrets'] : path
  for (const message of lackingSecrets(spec, secrets)) missingSecret(checking, at, message)
}
