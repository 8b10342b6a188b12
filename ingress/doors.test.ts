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
  const { connect } = require('node:net')
  const { parentPort, workerData: { port, calls, told } } = require('node:worker_threads')
  Atomics.wait(told, 1, 0)
  let left = calls
  for (let call = 0; call < calls; call += 1) {
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n', () => {
      left -= 1
      if (left > 0) return
      Atomics.store(told, 0, 1)
      Atomics.notify(told, 0)
    })
  }`

/** How many turns of the loop it takes until so many are heard that knocked, each on a connection of its own, meanwhile. */
const turnsFor = async (calls: number): Promise<number> => {
  let heard = 0
  server.serve(() => {
    heard += 1
    return new Response('here')
  })
  const told = new Int32Array(new SharedArrayBuffer(8))
  const worker = new Worker(caller, { eval: true, workerData: { port, calls, told } })
  await once(worker, 'online')
  // From here on this loop does not turn until all have knocked.
  Atomics.store(told, 1, 1)
  Atomics.notify(told, 1)
  expect(Atomics.wait(told, 0, 0, 10_000)).not.toBe('timed-out')
  let turns = 0
  for (; heard < calls; turns += 1) await new Promise((resolve) => setImmediate(resolve))
  await worker.terminate()
  return turns
}

describe('a listener with more doors', () => {
  it('lets a burst of connections in within few turns of the loop', async () => {
    expect(await turnsFor(64)).toBeGreaterThanOrEqual(64)
    expect(await server.widen(times)).toBe(times)
    expect(await turnsFor(64)).toBeLessThan(32)
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
