import { once } from 'node:events'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPublicServer, type PublicServer, type PublicServerOptions } from './server.ts'
import { raw } from './testing/harness.ts'

const times = 15
const execPath = process.execPath
let server: PublicServer
let port = 0
const open = async (options: PublicServerOptions = {}): Promise<void> => {
  server = createPublicServer(options)
  port = (await server.listen({ host: '127.0.0.1', port: 0 })).port
}
beforeEach(() => open())
afterEach(async () => {
  process.execPath = execPath
  await server.close(1_000)
})

const caller = `
  const { get } = require('node:http')
  const { parentPort, workerData: { port, calls } } = require('node:worker_threads')
  parentPort.once('message', () => {
    let left = calls
    for (let call = 0; call < calls; call += 1)
      get({ port, host: '127.0.0.1', agent: false }, (response) => {
        response.resume().once('end', () => {
          left -= 1
          if (left === 0) parentPort.postMessage('answered')
        })
      })
  })
  parentPort.postMessage('ready')`

/** Turns of the loop, of 30 ms each, until so many that come at once on connections of their own are answered. */
const turnsFor = async (calls: number): Promise<number> => {
  const worker = new Worker(caller, { eval: true, workerData: { port, calls } })
  await once(worker, 'message')
  let done = false
  worker.once('message', () => {
    done = true
  })
  worker.postMessage('go')
  let turns = 0
  while (!done && turns < 500) {
    turns += 1
    const until = performance.now() + 30
    while (performance.now() < until);
    await new Promise((resolve) => setImmediate(resolve))
  }
  await worker.terminate()
  return turns
}

describe('a listener with more doors', () => {
  it('lets a burst of connections in within few turns of a slow loop', async () => {
    server.serve(() => new Response('here'))
    expect(await turnsFor(64)).toBeGreaterThan(60)
    expect(await server.widen(times)).toBe(times)
    expect(await turnsFor(64)).toBeLessThan(30)
  })

  it('answers what is under way when it closes, and lets nobody in after', async () => {
    let answer = (): void => {}
    let asked = 0
    const answered = new Promise<void>((resolve) => {
      answer = resolve
    })
    server.serve(async () => {
      asked += 1
      await answered
      return new Response('late')
    })
    await server.widen(times)
    const request = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    const calls = Array.from({ length: 40 }, () => raw(port, request))
    await expect.poll(() => asked).toBe(40)
    let closed = false
    const closing = server.close(5_000).then(() => {
      closed = true
    })
    await expect
      .poll(() => new Promise((resolve) => connect(port, '127.0.0.1').once('error', resolve)))
      .toMatchObject({ code: 'ECONNREFUSED' })
    expect(closed).toBe(false)
    answer()
    for (const text of await Promise.all(calls)) expect(text).toMatch(/^HTTP\/1\.1 200 .*late/s)
    await closing
  })

  it('counts connections through all doors together', async () => {
    await server.close(0)
    await open({ maxConnections: 8, maxConnectionsPerAddress: 8 })
    server.serve(() => new Response('here'))
    await server.widen(times)
    const sockets = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'))
    const gone = sockets.map((socket) => once(socket.resume(), 'close'))
    await expect
      .poll(() => sockets.filter(({ readyState }) => readyState === 'open').length)
      .toBe(8)
    for (const socket of sockets) socket.destroy()
    await Promise.all(gone)
    await expect.poll(async () => (await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200)
  })

  it('goes on with the one it has where there is no other process to be had', async () => {
    process.execPath = '/nowhere/node'
    server.serve(() => new Response('here'))
    expect(await server.widen(times)).toBe(0)
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('here')
  })

  it('leaves none behind when it closes while they are made', async () => {
    const opened = server.widen(times)
    await server.close(0)
    expect(await opened).toBeLessThanOrEqual(times)
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow()
  })
})
