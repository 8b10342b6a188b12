import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const textOf = (read: () => string): string => {
  try {
    return read()
  } catch {
    // Gone meanwhile, or not ours to look at.
    return ''
  }
}

/** Processes that work in a folder or were told of it: servers that outlive a run which was cut short. */
const pidsOf = (folder: string): number[] => {
  let names: string[] = []
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    // No such folder on this system.
  }
  return names
    .filter((name) => {
      const cwd = textOf(() => readlinkSync(`/proc/${name}/cwd`))
      const command = textOf(() => readFileSync(`/proc/${name}/cmdline`, 'utf8'))
      return cwd.startsWith(`${folder}/`) || command.includes(`${folder}/`)
    })
    .map(Number)
    .filter((pid) => pid !== process.pid && pid !== process.ppid)
}

/** Ends what a run has left behind in its own temporary folder. */
export const endLeftovers = (folder: string): void => {
  for (const pid of pidsOf(folder)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Gone meanwhile.
    }
  }
}
