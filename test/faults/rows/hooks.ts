import type { FaultRig } from '../rig.ts'
import { api, type Frame } from '../wire.ts'

/** The moment between two messages at which a process dies. */
export interface Hook {
  name: string
  /** This frame is the moment. */
  at(frame: Frame): boolean
  /** The frame itself still goes on: only what comes after it does not. */
  letThrough?: boolean
}

const full = (topic: string): string => `zenhook.${topic}.v1`

/** The broker has stored it, and the answer does not come. */
export const stored = (topic: string): Hook => ({
  name: `stored in ${topic}, not answered`,
  at: ({ direction, api: number, has }) =>
    direction === 'response' && number === api.produce && has(full(topic)),
})

/** It is on its way, and the broker does not get it. */
export const notStored = (topic: string): Hook => ({
  name: `before ${topic}`,
  at: ({ direction, api: number, has }) =>
    direction === 'request' && number === api.produce && has(full(topic)),
})

/** Records were handed out, and nothing was done with them. */
export const consumed = (topic: string): Hook => ({
  name: `after consuming ${topic}`,
  at: ({ direction, api: number, has }) =>
    direction === 'response' && number === api.fetch && has(full(topic)) && has('fault-'),
  letThrough: true,
})

/** All is done but for saying so. */
export const uncommitted = (topic: string): Hook => ({
  name: `before committing ${topic}`,
  at: ({ direction, api: number, has }) =>
    direction === 'request' && number === api.offsetCommit && has(full(topic)),
})

/**
 * Kills the instance of now, whose brokers are behind the proxies, at the hook's next moment. Resolves once
 * it is gone: from the moment on, no message of any process passes, so that it dies exactly there.
 */
export const killAt = (rig: FaultRig, hook: Hook, withinMs = 60_000): Promise<void> =>
  new Promise((resolve, reject) => {
    let met = false
    const late = setTimeout(() => {
      rig.wire.rule = undefined
      reject(new Error(`${hook.name}: never seen within ${withinMs} ms`))
    }, withinMs)
    rig.wire.rule = (frame) => {
      if (met) return 'drop'
      if (!hook.at(frame)) return 'pass'
      met = true
      clearTimeout(late)
      rig
        .running()
        .kill()
        .then(() => {
          rig.wire.rule = undefined
          rig.wire.cutAll()
          resolve()
        }, reject)
      return hook.letThrough === true ? 'pass' : 'drop'
    }
  })
