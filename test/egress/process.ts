import { open, readdir, readFile, readlink } from 'node:fs/promises'

const tcpStates: Readonly<Record<string, string>> = { '0A': 'listens' }

/** Ports that a process is connected to or listens on, and its sockets of other kinds (Linux). */
export interface Sockets {
  connected: ReadonlySet<string>
  listening: ReadonlySet<number>
  udp: number
}

const inodesOf = async (pid: number): Promise<ReadonlySet<string>> => {
  const names = await readdir(`/proc/${pid}/fd`)
  const links = await Promise.all(
    names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')),
  )
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
}

const rowsOf = async (pid: number, table: string): Promise<readonly string[][]> => {
  const text = await readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => '')
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((row) => row.length > 9)
}

/** `7F000001` and so on as the kernel writes it: bytes of each word turned round. */
const addressOf = (hex: string): string => {
  const [host = '', port = ''] = hex.split(':')
  const bytes = Buffer.from(host, 'hex')
  const shown = bytes.length === 4 ? [...bytes].reverse().join('.') : `[${host}]`
  return `${shown}:${Number.parseInt(port, 16)}`
}

export const socketsOf = async (pid: number): Promise<Sockets> => {
  const own = await inodesOf(pid)
  const connected = new Set<string>()
  const listening = new Set<number>()
  for (const table of ['tcp', 'tcp6'])
    for (const row of await rowsOf(pid, table)) {
      const [, local = '', remote = '', state = ''] = row
      if (!own.has(row[9] ?? '')) continue
      if (tcpStates[state] === 'listens')
        listening.add(Number.parseInt(local.split(':')[1] ?? '', 16))
      // A connection that came to one of its own listeners is none that it made.
      else if (!listening.has(Number.parseInt(local.split(':')[1] ?? '', 16)))
        connected.add(addressOf(remote))
    }
  const udp = [...(await rowsOf(pid, 'udp')), ...(await rowsOf(pid, 'udp6'))]
  return { connected, listening, udp: udp.filter((row) => own.has(row[9] ?? '')).length }
}

const stretch = 8 * 1024 * 1024

/** Which of the texts lie anywhere in the memory that a process can write to. */
export const foundInMemory = async (
  pid: number,
  texts: readonly string[],
): Promise<readonly string[]> => {
  const maps = (await readFile(`/proc/${pid}/maps`, 'utf8')).split('\n')
  const needles = texts.flatMap((text) => [
    { text, bytes: Buffer.from(text, 'latin1') },
    { text, bytes: Buffer.from(text, 'utf16le') },
  ])
  const overlap = Math.max(...needles.map(({ bytes }) => bytes.length))
  const found = new Set<string>()
  const memory = await open(`/proc/${pid}/mem`, 'r')
  const buffer = Buffer.alloc(stretch + overlap)
  try {
    for (const line of maps) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
      if (from === undefined || to === undefined) continue
      // Addresses have 47 bits: numbers hold them exactly.
      const end = Number.parseInt(to, 16)
      for (let at = Number.parseInt(from, 16); at < end; at += stretch) {
        const length = Math.min(buffer.length, end - at)
        const bytesRead = await memory.read(buffer, 0, length, at).then(
          (read) => read.bytesRead,
          () => 0,
        )
        const read = buffer.subarray(0, bytesRead)
        for (const { text, bytes } of needles) if (read.includes(bytes)) found.add(text)
      }
    }
  } finally {
    await memory.close()
  }
  return [...found]
}
