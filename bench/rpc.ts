import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

interface Call {
  call: number
  name: string
  value: unknown
}

interface Answer {
  call: number
  result?: unknown
  error?: string
}

/** What a child process offers: one function for each name. */
export type Handlers = Readonly<Record<string, (value: never) => unknown>>

/** In the child: answers its parent and ends when the parent is gone. */
export const serve = (handlers: Handlers): void => {
  const answer = async ({ call, name, value }: Call): Promise<void> => {
    try {
      const handler = handlers[name]
      if (handler === undefined) throw new Error(`there is no ${name}`)
      process.send?.({ call, result: await handler(value as never) } satisfies Answer)
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      process.send?.({ call, error: text } satisfies Answer)
    }
  }
  process.on('message', (message) => void answer(message as Call))
  process.once('disconnect', () => process.exit(0))
}

/** In the parent: a process of its own. */
export interface Child {
  readonly pid: number
  ask<T>(name: string, value?: unknown): Promise<T>
  close(): Promise<void>
}

/** Starts a script of this folder. */
export const startChild = async (script: string): Promise<Child> => {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
  })
  await once(child, 'spawn')
  const { pid } = child
  if (pid === undefined) throw new Error(`${script} did not start`)
  const waiting = new Map<number, { done: (value: unknown) => void; failed: (e: Error) => void }>()
  let next = 0
  child.on('message', (message) => {
    const { call, result, error } = message as Answer
    const one = waiting.get(call)
    waiting.delete(call)
    if (error === undefined) one?.done(result)
    else one?.failed(new Error(`${script}: ${error}`))
  })
  const ended = once(child, 'exit').then(() => {
    for (const { failed } of waiting.values()) failed(new Error(`${script} ended`))
    waiting.clear()
  })
  return {
    pid,
    ask: <T>(name: string, value?: unknown) =>
      new Promise<T>((resolve, reject) => {
        if (!child.connected) return reject(new Error(`${script} ended`))
        const call = next++
        waiting.set(call, { done: (result) => resolve(result as T), failed: reject })
        child.send({ call, name, value } satisfies Call)
      }),
    close: async () => {
      if (child.connected) child.disconnect()
      const insist = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await ended
      clearTimeout(insist)
    },
  }
}
