import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kv } from '../port.ts'

/** A Redis of the test's own: it may be killed, frozen and filled. */
export interface RedisServer {
  readonly url: string
  start(): Promise<void>
  /** Ends the process and waits until it is gone. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  freeze(): void
  thaw(): void
  destroy(): Promise<void>
}

/** Why there is no Redis to test with, if so; fails instead where servers are required. */
export const redisMissing = (): string | undefined => {
  if (spawnSync('redis-server', ['--version']).status === 0) return undefined
  const reason = 'redis-server is not installed (Debian: apt-get install redis-server)'
  if (process.env.ZENHOOK_TEST_SERVERS === 'required')
    throw new Error(`ZENHOOK_TEST_SERVERS=required, but ${reason}`)
  return reason
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

export const createRedisServer = async (settings: readonly string[] = []): Promise<RedisServer> => {
  const dir = mkdtempSync(join(tmpdir(), 'zenhook-redis-'))
  const port = await freePort()
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '']
    const started = spawn(
      'redis-server',
      [...fixed, '--appendonly', 'yes', '--appendfsync', 'always', ...settings],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    child = started
    await new Promise<void>((resolve, reject) => {
      started.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)))
      started.stdout?.on('data', (data: Buffer) => {
        if (data.toString().includes('Ready to accept connections')) resolve()
      })
    })
  }
  const stop = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    const stopping = child
    child = undefined
    if (stopping === undefined || stopping.exitCode !== null) return
    const gone = new Promise((resolve) => stopping.once('exit', resolve))
    stopping.kill('SIGCONT')
    stopping.kill(signal)
    await gone
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    stop,
    freeze: () => child?.kill('SIGSTOP'),
    thaw: () => child?.kill('SIGCONT'),
    async destroy() {
      await stop('SIGKILL')
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Waits until the store answers again. */
export const answering = async (kv: Kv, limitMs = 5_000): Promise<Kv> => {
  const deadline = Date.now() + limitMs
  for (;;) {
    try {
      await kv.ping()
      return kv
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(20)
    }
  }
}
