import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface CpuProfile {
  nodes: {
    id: number
    callFrame: { functionName: string; url: string; lineNumber: number }
  }[]
  samples: number[]
  timeDeltas: number[]
}

/** A function or a module with the time spent in itself. */
export interface SelfTime {
  name: string
  ms: number
  share: number
}

export interface Profiled {
  /** Time of the main thread that was not idle, ms. */
  busyMs: number
  functions: readonly SelfTime[]
  modules: readonly SelfTime[]
}

const root = fileURLToPath(new URL('..', import.meta.url))

const placeOf = (url: string): string => {
  const path = url.startsWith('file://') ? fileURLToPath(url) : url
  return path.startsWith(root) ? path.slice(root.length) : path
}

/** A package, a folder of Zenhook, or a part of Node.js. */
const moduleOf = (place: string, functionName: string): string => {
  if (place === '') return functionName.startsWith('(') ? functionName : '(native)'
  const [, packed] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(place) ?? []
  if (packed !== undefined) return packed
  const [, own] = /^(?:dist\/)?((?:[^/]+\/){1,2})/.exec(place) ?? []
  return place.startsWith('node:') ? place : (own ?? place)
}

const sorted = (times: ReadonlyMap<string, number>, busyMs: number): SelfTime[] =>
  [...times].map(([name, ms]) => ({ name, ms, share: ms / busyMs })).sort((a, b) => b.ms - a.ms)

/** Adds up the CPU profiles of a folder. */
export const readProfiles = async (folder: string): Promise<Profiled> => {
  const functions = new Map<string, number>()
  const modules = new Map<string, number>()
  let busyMs = 0
  for (const file of await readdir(folder)) {
    if (!file.endsWith('.cpuprofile')) continue
    const profile = JSON.parse(await readFile(join(folder, file), 'utf8')) as CpuProfile
    const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
    for (const [index, id] of profile.samples.entries()) {
      const frame = frames.get(id)
      if (frame === undefined || frame.functionName === '(idle)') continue
      const ms = (profile.timeDeltas[index] ?? 0) / 1_000
      const place = placeOf(frame.url)
      const called = frame.functionName === '' ? '(anonymous)' : frame.functionName
      const name = place === '' ? called : `${called} ${place}:${frame.lineNumber + 1}`
      const module = moduleOf(place, called)
      functions.set(name, (functions.get(name) ?? 0) + ms)
      modules.set(module, (modules.get(module) ?? 0) + ms)
      busyMs += ms
    }
  }
  return { busyMs, functions: sorted(functions, busyMs), modules: sorted(modules, busyMs) }
}
