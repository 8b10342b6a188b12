import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../cli/version.ts'

/**
 * A package mirror that serves this machine's platform alone makes npm leave the binaries of other platforms out
 * of the lock file, and `npm ci` then refuses it everywhere. This adds what is missing, as npm writes it
 * elsewhere: the version that the parent asks for, and the platform that the name tells.
 */
interface Entry {
  version?: string
  optionalDependencies?: Record<string, string>
  optional?: boolean
  dev?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
}

interface Lock {
  packages: Record<string, Entry>
}

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]
const processors = [
  'arm',
  'arm64',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'x64',
]

const platformOf = (name: string): Pick<Entry, 'os' | 'cpu' | 'libc'> => {
  const words = name.split(/[/-]/)
  const os = words.filter((word) => systems.includes(word))
  const cpu = words.filter((word) => processors.includes(word))
  const libc = words.includes('musl') ? ['musl'] : words.includes('gnu') ? ['glibc'] : []
  return {
    ...(os.length > 0 && { os }),
    ...(cpu.length > 0 && { cpu }),
    ...(libc.length > 0 && { libc }),
  }
}

/** The lock with an entry for every optional dependency that has a platform in its name. */
const completed = (lock: Lock): Lock => {
  const packages = { ...lock.packages }
  for (const [path, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
    for (const [name, wanted] of Object.entries(optionalDependencies)) {
      const known = [`${path}/node_modules/${name}`, `node_modules/${name}`]
      const platform = platformOf(name)
      const version = wanted.replace(/^[~^=]/, '')
      if (known.some((place) => packages[place] !== undefined) || platform.os === undefined)
        continue
      packages[`node_modules/${name}`] = {
        version,
        ...(platform.cpu && { cpu: platform.cpu }),
        ...(dev === true && { dev }),
        ...(platform.libc && { libc: platform.libc }),
        optional: true,
        os: platform.os,
      }
    }
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1))
  return { ...lock, packages: Object.fromEntries(sorted) }
}

const file = join(packageRoot(), 'package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8')) as Lock
const text = `${JSON.stringify(completed(lock), null, 2)}\n`
if (process.argv.includes('--check')) {
  const complete = text === readFileSync(file, 'utf8')
  if (!complete) process.stdout.write('package-lock.json lacks platforms: run npm run lock\n')
  process.exitCode = complete ? 0 : 1
} else {
  writeFileSync(file, text)
}
