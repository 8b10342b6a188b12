import type { RegistryReader } from '../../core/registry/port.ts'
import type { HealthCheck } from '../../ingress/health.ts'
import type { Engines } from '../engines.ts'
import type { Probe } from './health.ts'

const starting: Probe = () => {
  throw new Error('it has not started yet')
}

/** The readiness checks of this process: all names stand from the beginning, red until their part is up. */
export const createProbes = (parts: Iterable<string>) => {
  const probes: Record<string, Probe> = {}
  for (const name of ['log', 'state', 'schemas', 'registry', ...parts]) probes[name] = starting
  return {
    all: (): Readonly<Record<string, Probe>> => probes,
    set: (more: Readonly<Record<string, Probe>>): void => {
      Object.assign(probes, more)
    },
    /** As the public listener wants them: by the names of now, each as it is when it is asked. */
    forIngress: (): Readonly<Record<string, HealthCheck>> =>
      Object.fromEntries(
        Object.keys(probes).map((name) => [
          name,
          async () => {
            await probes[name]?.()
          },
        ]),
      ),
  }
}

export type Probes = ReturnType<typeof createProbes>

export const engineProbes = ({ log, kv, schemas, names }: Engines): Record<string, Probe> => ({
  log: async () => {
    await log.ping()
    return names.log
  },
  state: async () => {
    await kv.ping()
    return names.state
  },
  schemas: async () => {
    await schemas.ping()
    return names.schemas
  },
})

export const registryProbe = (reader: RegistryReader): Record<string, Probe> => ({
  registry: () => `revision ${reader.snapshot().revision}`,
})
