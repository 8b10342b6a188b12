/** Ceiling of the ingress: Hono verifies one HMAC and answers. Nothing is kept. */
import { Hono } from 'hono'
import { isGenuine, signatureHeader } from '../messages.ts'
import { serve } from '../rpc.ts'
import { listen } from './listen.ts'

const app = new Hono()
app.post('/in', async (c) => {
  const body = new Uint8Array(await c.req.arrayBuffer())
  if (!isGenuine(body, c.req.header(signatureHeader))) return c.json({ error: 'signature' }, 401)
  return c.json({ id: crypto.randomUUID() }, 202)
})

serve({ listen: async () => `${await listen(app.fetch)}/in` })
