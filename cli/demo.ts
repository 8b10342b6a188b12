import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Story, story } from '../core/decisions/story.ts'
import { keptSecret, openDataFolder } from './runtime/data-folder.ts'
import type { Runtime } from './runtime/index.ts'

export const demoSource = { tenant: 'demo', source: 'github' } as const

export const demoSecretPath = (dataDir: string): string => join(dataDir, 'demo-secret')

/** The demo's secret, the same over restarts. It is the one secret that is ever printed. */
export const demoSecret = async (dataDir: string): Promise<{ path: string; value: string }> => {
  const path = demoSecretPath(dataDir)
  await openDataFolder(dataDir)
  return { path, value: await keptSecret(path, () => randomBytes(24).toString('hex')) }
}

/** A source for GitHub's webhooks and a request bin that gets all of them. */
export const demoConfig = (secretPath: string): { file: string; text: string } => ({
  file: 'demo',
  text: JSON.stringify({
    tenants: {
      demo: {
        sources: { github: { provider: 'github', secrets: [`file:${secretPath}`] } },
        destinations: { bin: { connector: 'bin' } },
        routes: [{ name: 'everything', when: 'true', to: ['bin'] }],
      },
    },
  }),
})

/** The request bin that has the sample. */
export const demoBin = ({ dispatches }: Story): string | undefined =>
  dispatches.find(({ destination }) => destination === 'bin')?.attempts.at(-1)?.externalId

const patienceMs = 10_000
const ends: readonly string[] = ['delivered', 'partial', 'dropped', 'dead']

/**
 * Sends one signed sample to the demo source over HTTP, as GitHub would, and waits for the end of its
 * story; `undefined` when it has none in time. Rejects when it was not taken.
 */
export const sendDemo = async (runtime: Runtime): Promise<Story | undefined> => {
  const { decisions } = runtime.engines
  if (decisions === undefined) return undefined
  const { answers } = await runtime.trigger({ provider: 'github', source: demoSource })
  const [answer] = answers
  const id: unknown = Reflect.get(Object(answer?.body), 'id')
  if (typeof id !== 'string') throw new Error(`it was answered ${answer?.status}`)
  const deadline = Date.now() + patienceMs
  while (Date.now() < deadline) {
    const told = await story(decisions, id)
    if (told !== undefined && ends.includes(told.status)) return told
    await sleep(100)
  }
  return undefined
}
