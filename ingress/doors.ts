import { spawn } from 'node:child_process'
import { createServer, type Server, type Socket } from 'node:net'

/** What it is sent comes back, so many times; each time it is another descriptor of the same socket. */
const mirror = `process.on('message', (times, handle) => {
  for (let sent = 0; sent < times; sent += 1) process.send(sent, handle)
})`

const mirrorMs = 10_000

export interface Doors {
  /** How many there are, once there are as many as there will be. */
  ready: Promise<number>
  /** Takes nothing more; resolves when every connection that came through them has ended. */
  close(): Promise<void>
}

/**
 * More doors to a socket that listens. Node.js takes one connection per listener and turn of its loop, so those who
 * knock while the turns are long would wait in the kernel's queue: see ADR 0021. A descriptor is doubled by sending it
 * to another process and back, for which Node.js has no other way. Where that fails, there are fewer.
 */
export const openDoors = (
  listener: Server,
  times: number,
  onConnection: (socket: Socket) => void,
): Doors => {
  const doors: Server[] = []
  let closing = false
  const child = spawn(process.execPath, ['--eval', mirror], {
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const ready = new Promise<number>((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      if (child.connected) child.disconnect()
      resolve(doors.length)
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), mirrorMs)
    child.on('message', (_, handle) => {
      if (handle === undefined) return done()
      const door = createServer({ allowHalfOpen: true, noDelay: true }, onConnection)
      door.on('error', done)
      door.listen(handle)
      if (closing) door.close()
      else doors.push(door)
      if (doors.length === times) done()
    })
    child.once('exit', done)
    child.on('error', done)
    // As it is, not as a server: the other process would begin to take connections itself.
    child.send(times, Reflect.get(listener, '_handle'), (error) => {
      if (error !== null) done()
    })
  })
  const closed = (door: Server): Promise<void> =>
    new Promise((resolve) => {
      door.close(() => resolve())
    })
  return {
    ready,
    async close() {
      closing = true
      child.kill('SIGKILL')
      await Promise.all([ready, ...doors.map(closed)])
    },
  }
}
