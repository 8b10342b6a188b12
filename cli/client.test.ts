import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, type Instance, instanceFile } from './client.ts'

let dataDir: string
const closers: (() => void)[] = []
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'zenhook-client-'))
})
afterAll(async () => {
  for (const close of closers) close()
  await rm(dataDir, { recursive: true, force: true })
})

const served = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** An admin listener that tells its version, in its own time, and answers everything else so. */
const admin = (answer: RequestListener, versionMs = 0): Promise<string> =>
  served((request, response) => {
    if (request.url !== '/version') return answer(request, response)
    setTimeout(() => response.end('{"version":"0.1.0","instanceId":"one"}'), versionMs)
  })

const connected = (url: string, patienceMs?: number) =>
  connect({ url, dataDir, token: 'secret', ...(patienceMs !== undefined && { patienceMs }) })

describe('an instance under --url', () => {
  it('that is slow is not called absent, and what it may do nevertheless is said', async () => {
    const patienceMs = 300
    // Only what is asked has to be quick: a busy machine may take longer than that to tell its version.
    const silent = await connected(await admin(() => undefined, 400), patienceMs)
    await expect(silent.request('GET', '/v1/events')).rejects.toMatchObject({
      code: 'ZENHOOK_CLI_TIMEOUT',
      message: expect.not.stringContaining('may do') as string,
    })
    const halting = await connected(
      await admin((_, response) => response.write('{"rows":')),
      patienceMs,
    )
    for (const method of ['POST', 'PUT', 'DELETE'])
      await expect(halting.request(method, '/v1/replays', {})).rejects.toMatchObject({
        code: 'ZENHOOK_CLI_TIMEOUT',
        message: expect.stringContaining(`${method} /v1/replays in time; it may do`) as string,
        fix: expect.stringContaining('See whether it was done') as string,
      })
  })

  it('that ends in the middle of its answer has gone away', async () => {
    const client = await connected(
      await admin((_, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('{')
        setTimeout(() => response.destroy(), 20)
      }),
    )
    await expect(client.request('GET', '/v1/events')).rejects.toMatchObject({
      code: 'ZENHOOK_CLI_NO_INSTANCE',
      message: expect.stringContaining('went away') as string,
    })
  })

  it('is told apart from another listener before it is sent the token', async () => {
    const seen: (string | undefined)[] = []
    const url = await served(({ headers }, response) => {
      seen.push(headers.authorization)
      response.writeHead(404, { 'content-type': 'application/problem+json' })
      response.end('{"code":"ZENHOOK_INGRESS_NOT_FOUND","detail":"There is no such source"}')
    })
    await expect(connected(url)).rejects.toMatchObject({
      code: 'ZENHOOK_CLI_NOT_ADMIN',
      fix: expect.stringContaining('8081') as string,
    })
    const instance: Instance = {
      ...{ url: 'http://127.0.0.1:9191', publicUrl: url, instanceId: 'one' },
      ...{ pid: 1, version: '0.1.0' },
    }
    await writeFile(join(dataDir, instanceFile), JSON.stringify(instance))
    await expect(connected(url)).rejects.toMatchObject({
      code: 'ZENHOOK_CLI_NOT_ADMIN',
      fix: expect.stringContaining('--url http://127.0.0.1:9191') as string,
    })
    expect(seen).toEqual([undefined, undefined])
  })

  it('that does not answer to this name says so itself', async () => {
    const url = await served((_, response) => {
      response.writeHead(403).end('{"code":"ZENHOOK_API_FORBIDDEN_HOST","detail":"not to evil"}')
    })
    await expect(connected(url)).rejects.toMatchObject({ code: 'ZENHOOK_API_FORBIDDEN_HOST' })
  })

  it('that answers 200 with no JSON is no admin listener', async () => {
    const page: RequestListener = (_, response) => response.end('<html>')
    const notAdmin = { code: 'ZENHOOK_CLI_NOT_ADMIN' }
    await expect(connected(await served(page))).rejects.toMatchObject(notAdmin)
    const client = await connected(await admin(page))
    await expect(client.request('GET', '/v1/events')).rejects.toMatchObject(notAdmin)
    const lined = await connected(await admin((_, response) => response.end('<html>\n')))
    const lines = async () => {
      for await (const line of lined.lines('/v1/audit')) expect(line).toBeUndefined()
    }
    await expect(lines()).rejects.toMatchObject(notAdmin)
  })
})
