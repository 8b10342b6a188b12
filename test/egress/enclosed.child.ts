/**
 * In a network namespace of its own: has ways to the given ports of the machine and to nothing else, starts
 * the program that it is given, and ends it when its own standard input ends.
 */
import { spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'

interface Enclosure {
  /** The port of the machine, and the socket that leads there. */
  ways: readonly { port: number; path: string }[]
  /** Places that must not be reached. */
  walls: readonly { host: string; port: number }[]
  command: readonly string[]
}

const [, , text = '{}'] = process.argv
const { ways, walls, command } = JSON.parse(text) as Enclosure

for (const { port, path } of ways)
  await new Promise<void>((resolve, reject) => {
    const server = createServer((near) => {
      const far = connect(path)
      near.pipe(far).pipe(near)
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        one.on('error', () => other.destroy())
        one.on('close', () => other.destroy())
      }
    })
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })

const reach = ({ host, port }: { host: string; port: number }): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 3_000 })
    const say = (what: string): void => {
      socket.destroy()
      resolve(what)
    }
    socket.once('connect', () => say('reached'))
    socket.once('timeout', () => say('silence'))
    socket.once('error', (error: NodeJS.ErrnoException) => say(error.code ?? error.message))
  })

const reached = await Promise.all(walls.map(reach))
const [program = '', ...rest] = command
const child = spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit'] })
process.stdout.write(`${JSON.stringify({ pid: child.pid, reached })}\n`)
child.once('exit', () => process.exit(0))
process.stdin.once('end', () => child.kill('SIGKILL')).resume()
