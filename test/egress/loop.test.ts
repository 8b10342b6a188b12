import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createFileSchemas } from '../../core/event/codec/files/index.ts'
import { createCodec } from '../../core/event/codec/index.ts'
import type { Dead } from '../../core/event/index.ts'
import { presetNamed, signRequest } from '../../ingress/verifiers/index.ts'
import { startInstance } from '../e2e/instance.ts'
import { embeddedEngines } from '../e2e/rig.ts'

/** Stands before the instance, as a load balancer does: not one of its own listeners. */
const startFront = async () => {
  const hops: string[] = []
  let target = ''
  const server = createServer((incoming, outgoing) => {
    hops.push(String(incoming.headers['zenhook-hops'] ?? '-'))
    const passed = forward(
      `${target}${incoming.url}`,
      { method: incoming.method ?? 'POST', headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502)
        answer.pipe(outgoing)
      },
    )
    passed.on('error', () => outgoing.destroy())
    incoming.pipe(passed)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    hops,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo(url: string) {
      target = url
    },
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

it('F83: a loop over our own ingress, through another tenant, ends after three hops as a dead letter', {
  timeout: 120_000,
}, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'zenhook-loop-'))
  const front = await startFront()
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const tenant = (name: string, next: string): string => `  ${name}:
    sources:
      in: { provider: standard-webhooks, secrets: [env:LOOP] }
    destinations:
      next:
        connector: webhook
        config: { url: "${front.url}/in/${next}/in" }
        secrets: { signing: env:LOOP }
        allowPrivate: true
    routes:
      - { name: all, default: true, to: [next] }
`
  const config = join(dir, 'zenhook.yaml')
  await writeFile(config, `tenants:\n${tenant('one', 'two')}${tenant('two', 'one')}`)
  const engines = await embeddedEngines()
  const running = await startInstance({
    dataDir: join(dir, 'data'),
    config,
    chain: 'fused',
    roles: 'ingress,processors,connectors',
    env: { LOOP: secret },
  })
  try {
    front.leadTo(running.publicUrl)
    const { method, headers, body } = signRequest(presetNamed('standard-webhooks'), {
      secret,
      body: '{"type":"loop.started"}',
      headers: { 'content-type': 'application/json' },
      url: `${running.publicUrl}/in/one/in`,
      now: Date.now(),
    })
    const answer = await fetch(`${running.publicUrl}/in/one/in`, {
      method,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
      body: new Uint8Array(body),
    })
    expect(answer.status).toBe(202)
    await expect.poll(() => front.hops, { timeout: 60_000 }).toEqual(['1', '2', '3'])
    // The fourth would come at once: it is given the time to.
    const metric = async (): Promise<string> => running.page('/metrics')
    await expect
      .poll(metric, { timeout: 30_000 })
      .toMatch(/dead_letters_total\{[^}]*HOP_LIMIT"\} 1/)
    await running.stop(30_000)
    expect(front.hops).toEqual(['1', '2', '3'])

    const log = await engines.openLog(join(dir, 'data'))
    const codec = await createCodec({ schemas: await createFileSchemas() })
    const dead: Dead[] = []
    for (const { partition, first } of await log.ends('dead'))
      for await (const { value } of log.read({ topic: 'dead', partition, offset: first }))
        if (value !== null) dead.push(await codec.decode('dead', value))
    await log.close()
    expect(dead).toMatchObject([
      { code: 'ZENHOOK_CONNECTOR_HOP_LIMIT', tenant: 'two', destination: 'next' },
    ])
  } finally {
    await running.kill()
    await front.close()
    await rm(dir, { recursive: true, force: true })
  }
})
