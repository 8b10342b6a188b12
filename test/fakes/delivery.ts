import { afterEach } from 'vitest'
import { type Receiver, startWebhookReceiver } from './receiver.ts'
import { createRig, type Rig } from './rig.ts'

/** Ended after each case of the file that imports this, the latest first. */
export const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A receiver of webhooks for this case. */
export const receive = async (): Promise<Receiver> => {
  const receiver = await startWebhookReceiver()
  cleanups.push(() => receiver.close())
  return receiver
}

/** A rig for this case. */
export const rigOf = async (...args: Parameters<typeof createRig>): Promise<Rig> => {
  const rig = await createRig(...args)
  cleanups.push(() => rig.close())
  return rig
}
