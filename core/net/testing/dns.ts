import { createSocket } from 'node:dgram'
import { isIPv4 } from 'node:net'

/** What a name has: addresses of either family, or another name. */
export type Answer = readonly string[] | { cname: string } | 'silence'
/** By name; a function sees how many questions for it and the type came before. */
export type Zone = Readonly<Record<string, Answer | ((asked: number) => Answer)>>

export interface FakeDns {
  port: number
  /** Questions, as `A name`. */
  asked: readonly string[]
  close(): Promise<void>
}

const types: Readonly<Record<number, string>> = { 1: 'A', 28: 'AAAA' }

const nameOf = (message: Buffer): { name: string; end: number } => {
  const labels: string[] = []
  let at = 12
  for (let length = message[at] ?? 0; length !== 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), end: at + 1 }
}

const encodeName = (name: string): Buffer =>
  Buffer.concat([
    ...name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)])),
    Buffer.of(0),
  ])

const encodeIpv6 = (address: string): Buffer => {
  const [head = '', tail] = address.split('::')
  const words = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16))
  const before = words(head)
  const after = words(tail ?? '')
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0)
  const bytes = Buffer.alloc(16)
  for (const [index, word] of [...before, ...zeros, ...after].entries())
    bytes.writeUInt16BE(word, 2 * index)
  return bytes
}

/** A record that lives for no time: the next question may get another answer. */
const recordOf = (owner: Buffer, type: number, data: Buffer): Buffer => {
  const head = Buffer.alloc(10)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(1, 2)
  head.writeUInt32BE(0, 4)
  head.writeUInt16BE(data.length, 8)
  return Buffer.concat([owner, head, data])
}

const recordsOf = (zone: Zone, name: string, type: number, asked: number): Buffer[] | 'silence' => {
  const entry = zone[name]
  const answer = typeof entry === 'function' ? entry(asked) : (entry ?? [])
  if (answer === 'silence') return answer
  if ('cname' in answer) {
    const own = recordOf(encodeName(name), 5, encodeName(answer.cname))
    const further = recordsOf(zone, answer.cname, type, asked)
    return further === 'silence' ? further : [own, ...further]
  }
  return answer
    .filter((address) => isIPv4(address) === (type === 1))
    .map((address) =>
      recordOf(
        encodeName(name),
        type,
        type === 1 ? Buffer.from(address.split('.').map(Number)) : encodeIpv6(address),
      ),
    )
}

/** A name server on UDP that says what it is told to say. */
export const startFakeDns = async (zone: Zone, at = 0): Promise<FakeDns> => {
  const socket = createSocket('udp4')
  const asked: string[] = []
  const counts = new Map<string, number>()
  socket.on('message', (message, peer) => {
    const { name, end } = nameOf(message)
    const type = message.readUInt16BE(end)
    const question = `${types[type] ?? type} ${name.toLowerCase()}`
    const before = counts.get(question) ?? 0
    counts.set(question, before + 1)
    asked.push(question)
    const answers =
      types[type] === undefined ? [] : recordsOf(zone, name.toLowerCase(), type, before)
    if (answers === 'silence') return
    const head = Buffer.alloc(12)
    message.copy(head, 0, 0, 2)
    // An answer, authoritative, recursion available; a name that the zone does not have does not exist.
    head.writeUInt16BE(0x8580 | (Object.hasOwn(zone, name.toLowerCase()) ? 0 : 3), 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(answers.length, 6)
    socket.send(
      Buffer.concat([head, message.subarray(12, end + 4), ...answers]),
      peer.port,
      peer.address,
    )
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(at, '127.0.0.1', resolve)
  })
  return {
    port: socket.address().port,
    asked,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}
