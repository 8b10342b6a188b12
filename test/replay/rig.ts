import { createHash, createHmac, randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ShownReplay } from '../../api/replays.ts'
import { packageRoot } from '../../cli/version.ts'
import type { Story } from '../../core/decisions/story.ts'
import { type Outcome, zenhook } from '../cli/harness.ts'
import { type Running, startInstance } from '../e2e/instance.ts'
import type { Engines } from '../e2e/rig.ts'
import { type Receiver, startWebhookReceiver } from '../fakes/index.ts'

const secret = 'a-secret-of-this-test'
const payload = join(packageRoot(), '../shared/payloads/github-check_run.completed.json')

/** A real payload of GitHub where the shared folder is there; else one of the same form, and that is said. */
const sample = ((): Buffer => {
  if (existsSync(payload)) return readFileSync(payload)
  process.stderr.write(`No ${payload}: a payload made up here stands in\n`)
  return Buffer.from('{"action":"completed", "check_run":{"conclusion":"failure"},  "n": 1.0}\n')
})()

/** GitHub signs no id: equal bytes are one delivery. White space at the end tells these apart. */
let serial = 0
const nextBody = (): Buffer => {
  serial += 1
  const number = serial.toString(2).replaceAll('0', ' ').replaceAll('1', '\n')
  return Buffer.concat([sample, Buffer.from(number)])
}
const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

const configOf = (hooks: Receiver, other: Receiver, transform?: string): string => `
tenants:
  acme:
    sources:
      github: { provider: github, secrets: [env:GITHUB_SECRET] }
    destinations:
      hooks:
        connector: webhook
        config: { url: "${hooks.url}" }
        allowPrivate: true
        retry: { attempts: 1 }
      other:
        connector: webhook
        config: { url: "${other.url}" }
        allowPrivate: true
    routes:
      - { name: all, when: "true", to: [hooks]${transform === undefined ? '' : `, transform: '${transform}'`} }
`

export interface ReplayRig {
  hooks: Receiver
  other: Receiver
  running(): Running
  /** Sends so many deliveries of GitHub, and gives their event ids. */
  send(count: number): Promise<readonly string[]>
  /** SHA-256 of what was sent as this event. */
  digest(id: string): string
  cli(...args: string[]): Promise<Outcome>
  /** Gives the one route this transform, or none. */
  transform(source?: string): Promise<void>
  story(id: string): Promise<Story>
  job(id: string): Promise<ShownReplay>
  /** Until the job is in one of these states. */
  until(id: string, ...states: string[]): Promise<ShownReplay>
  ended(ids: readonly string[], status: string): Promise<void>
  killAndStart(): Promise<void>
  close(): Promise<void>
}

export const patiently = async <T>(
  look: () => Promise<T | undefined> | T | undefined,
  what: string,
  patienceMs = 90_000,
): Promise<T> => {
  const until = performance.now() + patienceMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > until) throw new Error(`${what} did not come in ${patienceMs} ms`)
    await sleep(50)
  }
}

/** One instance in a process of its own, one source of GitHub, two receivers of webhooks. */
export const createReplayRig = async (engines: Engines): Promise<ReplayRig> => {
  const folder = await mkdtemp(join(tmpdir(), 'zenhook-replay-'))
  const [hooks, other] = await Promise.all([startWebhookReceiver(), startWebhookReceiver()])
  const config = join(folder, 'zenhook.yaml')
  const dataDir = join(folder, 'data')
  await writeFile(config, configOf(hooks, other))
  const env = { ...engines.env, GITHUB_SECRET: secret }
  const start = () => startInstance({ dataDir, config, chain: 'fused', env })
  let running = await start()
  const digests = new Map<string, string>()
  const post = async (): Promise<string> => {
    const body = nextBody()
    const signature = createHmac('sha256', secret).update(body).digest('hex')
    const response = await fetch(`${running.publicUrl}/in/acme/github`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'check_run',
        'x-github-delivery': randomUUID(),
        'x-hub-signature-256': `sha256=${signature}`,
      },
      body,
    })
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`)
    const { id } = (await response.json()) as { id: string }
    digests.set(id, digestOf(body))
    return id
  }
  const cli = (...args: string[]) => zenhook([...args, '--data-dir', dataDir])
  const story = (id: string) => running.api<Story>('GET', `/v1/events/${id}`)
  const job = (id: string) => running.api<ShownReplay>('GET', `/v1/replays/${id}`)
  return {
    ...{ hooks, other, cli, story, job },
    running: () => running,
    send: (count) => Promise.all(Array.from({ length: count }, post)),
    digest: (id) => digests.get(id) ?? '',
    async transform(source) {
      const input = configOf(hooks, other, source)
      const { code, err } = await zenhook(['apply', '-f', '-', '--data-dir', dataDir], { input })
      if (code !== 0) throw new Error(err)
    },
    until: (id, ...states) =>
      patiently(
        async () => {
          const found = await job(id)
          return states.includes(found.state) ? found : undefined
        },
        `replay ${id} ${states.join(' or ')}`,
      ),
    async ended(ids, status) {
      for (const id of ids)
        await patiently(async () => {
          const found = await story(id).catch(() => undefined)
          return found?.status === status || undefined
        }, `event ${id} ${status}`)
    },
    async killAndStart() {
      await running.kill()
      running = await start()
    },
    async close() {
      await running.stop(15_000).catch(() => running.kill())
      await Promise.all([hooks.close(), other.close()])
      await engines.clean()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What a command printed with `-o json`; its error where it printed nothing. */
export const answerOf = <T>({ out, err, code }: Outcome): T => {
  if (out === '') throw new Error(`it ended with ${code}: ${err}`)
  return JSON.parse(out) as T
}
export const replayOf = (outcome: Outcome): ShownReplay => answerOf<ShownReplay>(outcome)
