import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from './problems.ts'

const lingerMs = 1_000
const lingerBytes = 4 * 1024 * 1024

/**
 * Answers a request whose body is not going to be read, and ends the connection. What the peer still
 * sends is read and thrown away for a moment: closing on unread bytes would reset the connection, and
 * the answer with it.
 */
export const sendAndClose = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: Answer,
): void => {
  const { socket } = incoming
  const done = (): void => {
    clearTimeout(timer)
    incoming.off('data', count)
    if (!outgoing.writableEnded) outgoing.end()
    socket.destroySoon()
  }
  let read = 0
  const count = (chunk: Buffer): void => {
    read += chunk.length
    if (read > lingerBytes) done()
  }
  const timer = setTimeout(done, lingerMs)
  outgoing.on('error', () => {})
  outgoing.writeHead(answer.status, {
    ...answer.headers,
    connection: 'close',
    'content-length': Buffer.byteLength(answer.body),
  })
  outgoing.write(answer.body)
  incoming.on('data', count)
  incoming.on('error', done)
  incoming.on('end', done)
  incoming.on('close', done)
  incoming.resume()
}
