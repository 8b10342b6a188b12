import { z } from 'zod'
import { nearest } from '../../core/config/nearest.ts'
import { durationFault } from '../../core/config/units.ts'
import { ZenhookError } from '../../core/errors/index.ts'
import { findPreset, presets } from '../providers/index.ts'
import type { Preset, PresetScheme } from '../providers/preset.ts'
import { pickSchema } from './pick.ts'
import { schemes } from './schemes.ts'
import type { Scheme } from './types.ts'

/** What configuration says of a source's verification. */
export interface VerifySource {
  readonly provider?: string
  readonly verify?: Readonly<Record<string, unknown>>
}

const never = /^(?:authorization|proxy-authorization|cookie)$|signature/

/** What a source may say beside its scheme's own settings. */
export const commonFields = {
  deliveryId: pickSchema.optional().describe('Where the id of the delivery is'),
  type: pickSchema.optional().describe('Where the type of the event is'),
  keepHeaders: z
    .array(
      z
        .string()
        .min(1)
        .toLowerCase()
        .refine((name) => !never.test(name), { message: 'A credential is never kept' }),
    )
    .optional()
    .describe('Headers to keep with the event'),
}
const common = z.object(commonFields)

const invalid = (error: z.ZodError, where: string): ZenhookError => {
  const [issue] = error.issues
  const path = issue?.path.join('.') ?? ''
  return new ZenhookError('ZENHOOK_VERIFY_SETTINGS', {
    message: `${where}${path ? `, ${path}` : ''}: ${issue?.message ?? 'not valid'}`,
    details: { path, ...(issue?.message === durationFault && { isDuration: true }) },
  })
}

export interface BoundScheme {
  readonly scheme: Scheme<unknown>
  readonly config: unknown
}

export const findScheme = (name: string): Scheme<unknown> => {
  const scheme = schemes.find((each) => each.spec.name === name)
  if (scheme) return scheme
  const near = nearest(
    name,
    schemes.map((each) => each.spec.name),
  )
  throw new ZenhookError('ZENHOOK_VERIFY_UNKNOWN_SCHEME', {
    message: `There is no verification scheme ${JSON.stringify(name.slice(0, 64))}`,
    ...(near !== undefined && { fix: `Did you mean ${near}?` }),
  })
}

export const bindScheme = (settings: PresetScheme['verify']): BoundScheme => {
  const scheme = findScheme(settings.scheme)
  const parsed = scheme.spec.config.safeParse(settings)
  if (!parsed.success) throw invalid(parsed.error, `verify (${settings.scheme})`)
  return { scheme, config: parsed.data }
}

export const presetNamed = (name: string): Preset => {
  const preset = findPreset(name)
  if (preset) return preset
  const near = nearest(
    name,
    presets.flatMap((each) => [each.name, ...(each.aliases ?? [])]),
  )
  throw new ZenhookError('ZENHOOK_VERIFY_UNKNOWN_PROVIDER', {
    message: `There is no provider ${JSON.stringify(name.slice(0, 64))}`,
    ...(near !== undefined && { fix: `Did you mean ${near}?` }),
    details: { provider: name.slice(0, 64), ...(near !== undefined && { nearest: near }) },
  })
}

/** Settings of a scheme that a source of a preset may give. */
const settingsOf = (scheme: PresetScheme): string[] => {
  const { config } = findScheme(scheme.verify.scheme).spec
  return config instanceof z.ZodObject
    ? Object.keys(config.shape).filter((key) => key !== 'scheme')
    : []
}

const takes = (scheme: PresetScheme, key: string): boolean => settingsOf(scheme).includes(key)

const noSetting = (preset: Preset, key: string): ZenhookError => {
  const known = [...preset.schemes.flatMap(settingsOf), ...Object.keys(commonFields)]
  const near = nearest(key, known)
  return new ZenhookError('ZENHOOK_VERIFY_SETTINGS', {
    message: `verify: ${JSON.stringify(key.slice(0, 64))} is no setting of provider ${preset.name}`,
    ...(near !== undefined && { fix: `Did you mean ${near}?` }),
    details: { path: key, known: [...new Set(known)] },
  })
}

const overridden = (preset: Preset, settings: Readonly<Record<string, unknown>>): Preset => {
  const [first, ...rest] = preset.schemes
  for (const key of Object.keys(settings))
    if (!preset.schemes.some((each) => takes(each, key))) throw noSetting(preset, key)
  const apply = (scheme: PresetScheme): PresetScheme => ({
    ...scheme,
    verify: {
      ...scheme.verify,
      ...Object.fromEntries(Object.entries(settings).filter(([key]) => takes(scheme, key))),
    },
  })
  return { ...preset, schemes: [apply(first), ...rest.map(apply)] }
}

const spelledOut = (verify: Readonly<Record<string, unknown>>, scheme: string): Preset => ({
  name: scheme,
  title: scheme,
  docs: '',
  evidence: { checked: 'none', source: '', url: '' },
  schemes: [{ name: scheme, verify: { ...verify, scheme } }],
  idCovered: false,
  bodyCovered: true,
  type: { first: [{ body: 'type' }, { body: 'event' }] },
  defaultType: 'event',
  patienceMs: 10_000,
  keep: [],
  secret: '',
  samples: [{ type: 'event', body: {} }],
})

/** With the id from another place, for all of its schemes. What is not in a signed body is not signed. */
const identifiedBy = (preset: Preset, deliveryId: NonNullable<Preset['deliveryId']>): Preset => {
  const idCovered = preset.idCovered && 'body' in deliveryId
  const apply = ({ deliveryId: _, ...scheme }: PresetScheme): PresetScheme => ({
    ...scheme,
    idCovered: (scheme.idCovered ?? true) && idCovered,
  })
  const [first, ...rest] = preset.schemes
  return { ...preset, deliveryId, idCovered, schemes: [apply(first), ...rest.map(apply)] }
}

/** The preset of a source with its settings applied, or one made of the scheme that it spells out. */
export const presetOf = ({ provider, verify = {} }: VerifySource): Preset => {
  const own = common.safeParse(verify)
  if (!own.success) throw invalid(own.error, 'verify')
  const { deliveryId, type, keepHeaders } = own.data
  const { deliveryId: _, type: __, keepHeaders: ___, ...settings } = verify
  const { scheme } = settings
  if (provider === undefined && typeof scheme !== 'string')
    throw new ZenhookError('ZENHOOK_VERIFY_NO_SCHEME')
  const preset =
    provider === undefined
      ? spelledOut(settings, String(scheme))
      : overridden(presetNamed(provider), settings)
  return {
    ...(deliveryId === undefined ? preset : identifiedBy(preset, deliveryId)),
    ...(type && { type }),
    keep: [...preset.keep, ...(keepHeaders ?? [])],
  }
}
