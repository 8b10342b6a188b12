import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A ClickHouse server for tests: its HTTP interface over the same engine, in a process of its own. */
export interface ClickHouseFront {
  readonly url: string
  readonly pid: number
  /** Ends it at once; its folder and port stay. */
  kill(): Promise<void>
  /** Starts it again after `kill`. */
  start(): Promise<void>
  /** Leaves connections open and answers nothing. */
  stall(): void
  resume(): void
  /** Ends it and removes its folder. */
  close(): Promise<void>
}

const script = fileURLToPath(new URL('server.ts', import.meta.url))

export const startClickHouseFront = async (): Promise<ClickHouseFront> => {
  const folder = await mkdtemp(join(tmpdir(), 'zenhook-clickhouse-'))
  let port = 0
  let child: ChildProcess | undefined

  const start = async (): Promise<void> => {
    const started = spawn(process.execPath, ['--import', 'tsx', script, folder, String(port)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child = started
    port = await listening(started)
  }

  const kill = async (): Promise<void> => {
    const ended = child
    child = undefined
    if (ended === undefined || ended.exitCode !== null || ended.signalCode !== null) return
    const gone = once(ended, 'exit')
    ended.kill('SIGKILL')
    await gone
  }

  await start()
  return {
    get url() {
      return `http://127.0.0.1:${port}`
    },
    get pid() {
      return child?.pid ?? 0
    },
    kill,
    start,
    stall: () => {
      child?.kill('SIGSTOP')
    },
    resume: () => {
      child?.kill('SIGCONT')
    },
    close: async () => {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const listening = async (child: ChildProcess): Promise<number> => {
  if (child.stdout === null) throw new Error('the front has no standard output')
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the front ended with ${code}`)
  })
  const lines = createInterface({ input: child.stdout })
  const said = once(lines, 'line').then(([line]) =>
    Number(/^listening (\d+)$/.exec(String(line))?.[1]),
  )
  try {
    return await Promise.race([said, failed])
  } finally {
    failed.catch(() => undefined)
  }
}
