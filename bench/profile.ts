import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface CpuProfile {
  nodes: {
    id: number
    callFrame: { functionName: string; url: string; lineNumber: number }
    children?: number[]
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
  /** By the function of Zenhook that ran, or that called what ran. */
  callers: readonly SelfTime[]
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

type Frame = CpuProfile['nodes'][number]['callFrame']

const nameOf = ({ functionName, lineNumber }: Frame, place: string): string => {
  const called = functionName === '' ? '(anonymous)' : functionName
  return place === '' ? called : `${called} ${place}:${lineNumber + 1}`
}

const isOwn = (place: string): boolean =>
  place !== '' &&
  !place.includes('node_modules/') &&
  !/^(node:|\(|\/|wasm:|evalmachine)/.test(place)

const sorted = (times: ReadonlyMap<string, number>, busyMs: number): SelfTime[] =>
  [...times].map(([name, ms]) => ({ name, ms, share: ms / busyMs })).sort((a, b) => b.ms - a.ms)

/** Adds up the CPU profiles of a folder. */
export const readProfiles = async (folder: string): Promise<Profiled> => {
  const functions = new Map<string, number>()
  const modules = new Map<string, number>()
  const callers = new Map<string, number>()
  const add = (to: Map<string, number>, name: string, ms: number): void => {
    to.set(name, (to.get(name) ?? 0) + ms)
  }
  let busyMs = 0
  for (const file of await readdir(folder)) {
    if (!file.endsWith('.cpuprofile')) continue
    const profile = JSON.parse(await readFile(join(folder, file), 'utf8')) as CpuProfile
    const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
    const parents = new Map(
      profile.nodes.flatMap(({ id, children = [] }) =>
        children.map((child): [number, number] => [child, id]),
      ),
    )
    const caller = (id: number | undefined): string => {
      const frame = id === undefined ? undefined : nodes.get(id)?.callFrame
      if (id === undefined || frame === undefined) return '(none of ours)'
      if (frame.functionName === '(garbage collector)') return frame.functionName
      const place = placeOf(frame.url)
      return isOwn(place) ? nameOf(frame, place) : caller(parents.get(id))
    }
    for (const [index, id] of profile.samples.entries()) {
      const frame = nodes.get(id)?.callFrame
      if (frame === undefined || frame.functionName === '(idle)') continue
      const ms = (profile.timeDeltas[index] ?? 0) / 1_000
      const place = placeOf(frame.url)
      add(functions, nameOf(frame, place), ms)
      add(modules, moduleOf(place, frame.functionName), ms)
      add(callers, caller(id), ms)
      busyMs += ms
    }
  }
  return {
    busyMs,
    functions: sorted(functions, busyMs),
    modules: sorted(modules, busyMs),
    callers: sorted(callers, busyMs),
  }
}
