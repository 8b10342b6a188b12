export interface TurnsOptions {
  /** How long a record that must be alone waits for what is under way, ms. */
  drainMs: number
}

/**
 * Who may work in this process: any number of places side by side, or one record alone. Turns come in
 * the order in which they were asked for; while nobody asks to be alone, entering is free.
 */
export interface Turns {
  /** The place works from now on; or once its turn comes, or the signal aborts. */
  enter(place: object, signal: AbortSignal): Promise<void> | undefined
  /** The place has nothing under way any more. */
  leave(place: object): void
  /** Resolves when the turn comes: whether nothing else is under way; `undefined` once aborted. */
  alone(signal: AbortSignal): Promise<boolean | undefined>
  /** Ends the turn of `alone`; a place whose record stays under way goes on beside the others. */
  done(staying?: object): void
}

interface Waiter {
  alone: boolean
  /** It has waited long enough for what is under way. */
  late: boolean
  start(): void
}

export const createTurns = ({ drainMs }: TurnsOptions): Turns => {
  const busy = new Set<object>()
  const queue: Waiter[] = []
  let taken = false

  const next = (): void => {
    for (let head = queue[0]; head !== undefined && !taken; head = queue[0]) {
      if (head.alone && busy.size > 0 && !head.late) return
      queue.shift()
      head.start()
    }
  }

  const wait = <T>(alone: boolean, signal: AbortSignal, start: () => T): Promise<T | undefined> =>
    new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined
      const end = (value: T | undefined): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
        resolve(value)
      }
      const waiter: Waiter = { alone, late: false, start: () => end(start()) }
      const abort = (): void => {
        queue.splice(queue.indexOf(waiter), 1)
        end(undefined)
        next()
      }
      if (signal.aborted) return resolve(undefined)
      signal.addEventListener('abort', abort)
      queue.push(waiter)
      if (alone)
        timer = setTimeout(() => {
          waiter.late = true
          next()
        }, drainMs)
      next()
    })

  return {
    enter(place, signal) {
      if (!taken && queue.length === 0) {
        busy.add(place)
        return undefined
      }
      return wait(false, signal, () => {
        busy.add(place)
      })
    },
    leave(place) {
      if (busy.delete(place)) next()
    },
    alone: (signal) =>
      wait(true, signal, () => {
        taken = true
        return busy.size === 0
      }),
    done(staying) {
      taken = false
      if (staying !== undefined) busy.add(staying)
      next()
    },
  }
}
