/** The child that receives: notes when each id arrived first, and how often. */
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { now } from './clock.ts'
import { bodySize, idIn, runOf } from './messages.ts'
import { serve } from './rpc.ts'

interface Arrival {
  at: number
  copies: number
}

const runs = new Map<string, Map<string, Arrival>>()

const note = (id: string): void => {
  const run = runOf(id)
  let arrivals = runs.get(run)
  if (arrivals === undefined) {
    arrivals = new Map()
    runs.set(run, arrivals)
  }
  const known = arrivals.get(id)
  if (known === undefined) arrivals.set(id, { at: now(), copies: 1 })
  else known.copies += 1
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
    const whole = body.length === bodySize
    if (whole) note(idIn(body))
    response.writeHead(whole ? 200 : 400, { 'content-length': '0' }).end()
  })
})
server.keepAliveTimeout = 60_000

serve({
  listen: () =>
    new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () =>
        resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`),
      )
    }),
  /** How many different ids of a run arrived. */
  count: (run: string) => runs.get(run)?.size ?? 0,
  /** How many ids arrived more than once, in all runs. */
  duplicated: () => {
    let total = 0
    for (const arrivals of runs.values())
      for (const { copies } of arrivals.values()) if (copies > 1) total += 1
    return total
  },
  /** One line per id of a run: id, time, copies. */
  write: ({ run, file }: { run: string; file: string }) =>
    writeFile(
      file,
      [...(runs.get(run) ?? [])]
        .map(([id, { at, copies }]) => `${id}\t${at}\t${copies}\n`)
        .join(''),
    ),
})
