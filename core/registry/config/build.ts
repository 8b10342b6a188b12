import type { z } from 'zod'
import { parseDuration, parseSize } from '../../config/units.ts'
import type { Destination, RateLimit, Route, Source } from '../types.ts'
import type { destinationFile, routeFile, sourceFile } from './schema.ts'

/** Delays after the first attempt, of Standard Webhooks: ten attempts over about three days. */
export const standardSchedule = ['5s', '5m', '30m', '2h', '5h', '10h', '14h', '20h', '24h'] as const

export const defaultMaxBody = 1_048_576

/** A member that is there only where it has a value. */
const optional = <K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } =>
  (value === undefined ? {} : { [key]: value }) as { [P in K]?: T }

const rateLimitOf = (limit: z.infer<typeof destinationFile>['rateLimit']): RateLimit | undefined =>
  limit === undefined
    ? undefined
    : {
        perSecond: limit.perSecond,
        ...optional('burst', limit.burst),
        ...optional('concurrent', limit.concurrent),
      }

export const buildSource = (
  tenant: string,
  name: string,
  file: z.infer<typeof sourceFile>,
): Source => {
  const { window, key } = file.dedupe ?? {}
  return {
    tenant,
    name,
    ...optional('provider', file.provider),
    ...optional('verify', file.verify),
    secrets: file.secrets ?? [],
    dedupe: {
      ...optional('windowMs', window === undefined ? undefined : parseDuration(window)),
      ...optional('key', key),
    },
    ...optional('rateLimit', rateLimitOf(file.rateLimit)),
    maxBody: file.maxBody === undefined ? defaultMaxBody : (parseSize(file.maxBody) ?? 0),
    ...optional('contentEncoding', file.contentEncoding),
    ...optional('successStatus', file.successStatus),
    ...optional('ordering', file.ordering),
    replay: file.replay ?? 'accept',
  }
}

export const buildDestination = (
  tenant: string,
  name: string,
  file: z.infer<typeof destinationFile>,
): Destination => {
  const { attempts, schedule = 'standard' } = file.retry ?? {}
  const delays = schedule === 'standard' ? standardSchedule : schedule
  const delaysMs = delays.map((delay) => parseDuration(delay) ?? 0)
  return {
    tenant,
    name,
    connector: file.connector,
    config: file.config ?? {},
    secrets: file.secrets ?? {},
    retry: { attempts: attempts ?? delaysMs.length + 1, delaysMs },
    ...optional('rateLimit', rateLimitOf(file.rateLimit)),
    ordered: file.ordered ?? false,
    allowPrivate: file.allowPrivate ?? false,
    disabled: file.disabled ?? false,
  }
}

export const buildRoute = (
  tenant: string,
  index: number,
  file: z.infer<typeof routeFile>,
): Route => ({
  tenant,
  name: file.name,
  index,
  when: file.when ?? 'true',
  to: [...new Set(file.to)],
  ...optional('transform', file.transform),
  stop: file.stop ?? false,
  default: file.default ?? false,
})
