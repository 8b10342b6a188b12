import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createEgress, type Egress, type EgressOptions } from './index.ts'

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const listen = async (listener: RequestListener) => {
  const server: Server = createServer(listener)
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { port, sockets }
}

const egressWith = (options: EgressOptions = {}): Egress => {
  const egress = createEgress({ grants: ['127.0.0.0/8'], ...options })
  cleanups.push(() => egress.close())
  return egress
}
const local = { timeoutMs: 5000, allowPrivate: true }

const until = async (condition: () => boolean): Promise<void> => {
  const deadline = Date.now() + 5000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition never held')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('an exchange', () => {
  it('sends method, headers and bytes, and reads the answer, over kept connections', async () => {
    let dials = 0
    const { port } = await listen(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      response.setHeader('x-seen', `${request.method} ${request.url} ${request.headers['x-a']}`)
      response.setHeader('set-cookie', ['a=1', 'b=2'])
      response.writeHead(201).end(Buffer.concat(chunks))
    })
    const egress = egressWith({
      resolver: async () => {
        dials += 1
        return ['127.0.0.1']
      },
    })
    const body = new Uint8Array([0, 255, 13, 10, 7])
    for (let i = 0; i < 20; i += 1) {
      const answer = await egress.request(`http://receiver.test:${port}/p?q=1`, {
        ...local,
        method: 'PUT',
        headers: { 'x-a': 'b' },
        body,
      })
      expect(answer.status).toBe(201)
      expect(answer.headers['x-seen']).toBe('PUT /p?q=1 b')
      expect(answer.headers['set-cookie']).toBe('a=1, b=2')
      expect(Buffer.from(answer.body)).toEqual(Buffer.from(body))
      expect(answer.truncated).toBe(false)
    }
    // The pool may open a second one while it takes the first one back.
    expect(dials).toBeLessThanOrEqual(2)
  })

  it.each([
    ...[301, 302, 303, 307, 308].map((status) => [status, 'the same host', 'same'] as const),
    [307, 'another host', 'other'] as const,
    [302, 'an internal address', 'http://169.254.169.254/latest/'] as const,
    [301, 'no TLS', 'http://receiver.test/'] as const,
    [308, 'a file', 'file:///etc/passwd'] as const,
  ])('F82: follows no redirect (%i to %s) and hands no credential on', async (status, _, to) => {
    const seen: string[] = []
    const elsewhere = await listen((request, response) => {
      seen.push(`elsewhere ${request.headers.authorization}`)
      response.end()
    })
    const { port } = await listen((request, response) => {
      seen.push(String(request.url))
      const places: Record<string, string> = {
        same: `http://127.0.0.1:${port}/elsewhere`,
        other: `http://127.0.0.1:${elsewhere.port}/`,
      }
      response.writeHead(status, { location: places[to] ?? to }).end()
    })
    const answer = await egressWith().request(`http://127.0.0.1:${port}/first`, {
      ...local,
      headers: { authorization: 'Bearer x' },
    })
    expect(answer.status).toBe(status)
    expect(seen).toEqual(['/first'])
  })

  it('cuts an endless answer off and closes its socket', async () => {
    const { port, sockets } = await listen((_request, response) => {
      response.writeHead(200)
      const pour = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384, 65))) {}
      }
      response.on('drain', pour)
      pour()
    })
    const answer = await egressWith().request(`http://127.0.0.1:${port}/`, local)
    expect(answer).toMatchObject({ status: 200, truncated: true })
    expect(answer.body.length).toBe(64 * 1024)
    await until(() => sockets.size === 0)
  })

  it.each([
    ['hangs before its headers', (() => {}) satisfies RequestListener],
    [
      'drips one byte at a time',
      ((_request, response) => {
        response.writeHead(200)
        const drip = setInterval(() => response.write('x'), 20)
        response.on('close', () => clearInterval(drip))
      }) satisfies RequestListener,
    ],
  ])('ends at its total deadline when the other side %s', async (_name, listener) => {
    const { port, sockets } = await listen(listener)
    const startedAt = Date.now()
    await expect(
      egressWith().request(`http://127.0.0.1:${port}/`, { ...local, timeoutMs: 300 }),
    ).rejects.toMatchObject({
      code: 'ZENHOOK_NET_TIMEOUT',
      retriable: true,
      details: { sent: true },
    })
    expect(Date.now() - startedAt).toBeLessThan(1500)
    await until(() => sockets.size === 0)
  })

  it('sends nothing when no time is left', async () => {
    const { port, sockets } = await listen((_request, response) => response.end())
    await expect(
      egressWith().request(`http://127.0.0.1:${port}/`, { ...local, timeoutMs: 0 }),
    ).rejects.toMatchObject({
      code: 'ZENHOOK_NET_TIMEOUT',
      retriable: true,
      details: { sent: false },
    })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(sockets.size).toBe(0)
  })

  it('destroys the socket when it is cancelled, and calls it no failure', async () => {
    const { port, sockets } = await listen(() => {})
    const controller = new AbortController()
    const pending = egressWith().request(`http://127.0.0.1:${port}/`, {
      ...local,
      signal: controller.signal,
    })
    const outcome = expect(pending).rejects.toMatchObject({
      code: 'ZENHOOK_NET_CANCELLED',
      retriable: false,
    })
    await until(() => sockets.size === 1)
    controller.abort()
    await outcome
    await until(() => sockets.size === 0)
  })

  it('tells a reset after sending from a refused connection', async () => {
    const { port } = await listen((request) => request.socket.destroy())
    const egress = egressWith()
    await expect(egress.request(`http://127.0.0.1:${port}/`, local)).rejects.toMatchObject({
      code: 'ZENHOOK_NET_CONNECTION_FAILED',
      details: { sent: true },
    })
    await expect(egress.request('http://127.0.0.1:1/', local)).rejects.toMatchObject({
      code: 'ZENHOOK_NET_CONNECTION_FAILED',
      details: { sent: false },
    })
  })

  it.each([
    ['host', 'evil.example'],
    ['Transfer-Encoding', 'chunked'],
    ['content-length', '3'],
    ['x-a', 'b\r\nx-injected: c'],
    ['x a', 'b'],
  ])('refuses the header %s', async (name, value) => {
    const { port } = await listen((_request, response) => response.end())
    await expect(
      egressWith().request(`http://127.0.0.1:${port}/`, { ...local, headers: { [name]: value } }),
    ).rejects.toMatchObject({ code: 'ZENHOOK_NET_REQUEST_REFUSED' })
  })

  it('F85: ignores proxies of the environment', async () => {
    let proxied = 0
    const proxy = await listen((_request, response) => {
      proxied += 1
      response.writeHead(502).end()
    })
    const { port } = await listen((_request, response) => response.writeHead(204).end())
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY', 'NODE_USE_ENV_PROXY']
    for (const name of names) process.env[name] = `http://127.0.0.1:${proxy.port}`
    cleanups.push(() => {
      for (const name of names) delete process.env[name]
    })
    const answer = await egressWith().request(`http://127.0.0.1:${port}/`, local)
    expect(answer.status).toBe(204)
    expect(proxied).toBe(0)
  })
})

describe('the connections of an owner', () => {
  const slowAndFast = () =>
    listen((request, response) => {
      if (request.url !== '/slow') response.end()
    })

  it('F47: are its own: slow requests of another to the same origin hold nobody up', async () => {
    const { port, sockets } = await slowAndFast()
    const egress = egressWith()
    const slow = Array.from({ length: 100 }, () =>
      egress
        .request(`http://127.0.0.1:${port}/slow`, {
          ...local,
          owner: { tenant: 'acme', name: 'slow' },
        })
        .catch(({ code }) => code),
    )
    await until(() => sockets.size === 64)
    const fast = { ...local, timeoutMs: 2_000 }
    for (const owner of [{ owner: { tenant: 'acme', name: 'fast' } }, {}]) {
      const answer = await egress.request(`http://127.0.0.1:${port}/`, { ...fast, ...owner })
      expect(answer.status).toBe(200)
    }
    expect(sockets.size).toBe(66)
    await egress.close()
    expect(new Set(await Promise.all(slow))).toEqual(new Set(['ZENHOOK_NET_CONNECTION_FAILED']))
  })

  it('are closed when it gives way to others, once what is under way has ended', async () => {
    const answers: (() => void)[] = []
    const { port, sockets } = await listen((request, response) => {
      if (request.url === '/slow') answers.push(() => response.end())
      else response.end()
    })
    const egress = egressWith({ maxOwners: 1 })
    const to = (path: string, owner: string) =>
      egress.request(`http://127.0.0.1:${port}${path}`, {
        ...local,
        owner: { tenant: 'acme', name: owner },
      })
    const slow = to('/slow', 'first')
    await until(() => answers.length === 1)
    for (const owner of ['second', 'third', 'fourth']) await to('/', owner)
    await until(() => sockets.size === 3)
    answers[0]?.()
    expect((await slow).status).toBe(200)
    await until(() => sockets.size === 2)
    // What gave way is cut by a close like everything else.
    const cut = expect(to('/slow', 'fifth')).rejects.toMatchObject({ details: { sent: true } })
    await until(() => answers.length === 2)
    for (const owner of ['sixth', 'seventh']) await to('/', owner)
    await egress.close()
    await cut
    await expect(to('/', 'eighth')).rejects.toMatchObject({ details: { sent: false } })
    await until(() => sockets.size === 0)
  })
})

describe('the guard', () => {
  it.each([
    ['http://127.0.0.1/', 'private_address'],
    ['http://10.0.0.1/', 'private_address'],
    ['http://[::1]/', 'private_address'],
    ['http://100.64.0.1/', 'private_address'],
    ['http://169.254.169.254/latest/meta-data/', 'forbidden_address'],
    ['http://[::ffff:127.0.0.1]/', 'forbidden_address'],
    ['http://[64:ff9b::7f00:1]/', 'forbidden_address'],
    ['http://0.0.0.0/', 'forbidden_address'],
  ])('F80: denies %s at registration and at dial', async (url, reason) => {
    const egress = egressWith()
    const denied = { code: 'ZENHOOK_NET_ADDRESS_DENIED', details: { reason } }
    await expect(egress.check(url)).rejects.toMatchObject(denied)
    await expect(egress.request(url, { timeoutMs: 500 })).rejects.toMatchObject(denied)
  })

  it('F80: needs the wish of the destination and the grant of the operator, both', async () => {
    const { port } = await listen((_request, response) => response.end())
    const url = `http://127.0.0.1:${port}/`
    await expect(egressWith().request(url, { timeoutMs: 500 })).rejects.toMatchObject({
      details: { reason: 'private_address' },
    })
    await expect(egressWith({ grants: [] }).request(url, local)).rejects.toMatchObject({
      details: { reason: 'not_granted' },
    })
    expect((await egressWith().request(url, local)).status).toBe(200)
  })

  it('F80: keeps what was granted to one tenant from the others', async () => {
    const { port } = await listen((_request, response) => response.end())
    const resolver = async () => ['127.0.0.1']
    const egress = egressWith({ grants: ['acme=127.0.0.0/8', '10.0.0.0/8'], resolver })
    for (const host of ['127.0.0.1', 'name.test']) {
      const ask = (tenant: string) =>
        egress.request(`http://${host}:${port}/`, { ...local, owner: { tenant, name: 'one' } })
      expect((await ask('acme')).status).toBe(200)
      await expect(ask('other')).rejects.toMatchObject({ details: { reason: 'not_granted' } })
    }
  })

  it('F80, F83: never grants link-local, metadata or own listeners', async () => {
    const { port } = await listen((_request, response) => response.end())
    const egress = egressWith({
      grants: ['0.0.0.0/0', '::/0'],
      ownListeners: () => [{ host: '127.0.0.1', port }],
    })
    for (const url of ['http://169.254.169.254/', 'http://[fe80::1]/', 'http://100.100.100.200/']) {
      await expect(egress.request(url, local)).rejects.toMatchObject({
        details: { reason: 'forbidden_address' },
      })
    }
    await expect(egress.request(`http://127.0.0.1:${port}/in/a/b`, local)).rejects.toMatchObject({
      details: { reason: 'own_listener' },
    })
  })

  it('F81: denies by what a name resolves to, without saying the address', async () => {
    const answers: Record<string, readonly string[]> = {
      'internal.test': ['10.1.2.3'],
      'mixed.test': ['93.184.216.34', '127.0.0.1'],
      'mixed6.test': ['93.184.216.34', '::1'],
      'aaaa.test': ['fd00::1'],
      'meta.test': ['169.254.169.254'],
      'empty.test': [],
    }
    const egress = egressWith({ resolver: async (name) => answers[name] ?? [] })
    const expectations = [
      ['internal.test', 'private_address'],
      ['mixed.test', 'mixed_addresses'],
      ['mixed6.test', 'mixed_addresses'],
      ['aaaa.test', 'private_address'],
      ['meta.test', 'forbidden_address'],
    ] as const
    for (const [name, reason] of expectations) {
      for (const attempt of [
        egress.check(`http://${name}/`),
        egress.request(`http://${name}/`, { timeoutMs: 1000 }),
      ]) {
        const error: unknown = await attempt.then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        expect(error).toMatchObject({ code: 'ZENHOOK_NET_ADDRESS_DENIED', details: { reason } })
        for (const address of answers[name] ?? []) expect(String(error)).not.toContain(address)
      }
    }
    await expect(egress.request('http://empty.test/', { timeoutMs: 1000 })).rejects.toMatchObject({
      code: 'ZENHOOK_NET_UNRESOLVED',
      retriable: true,
    })
  })

  it('F81: dials only what it checked: a name that rebinds is resolved once per dial', async () => {
    let reached = 0
    const { port } = await listen((_request, response) => {
      reached += 1
      response.writeHead(200, { connection: 'close' }).end()
    })
    let asked = 0
    // Public at first, private from the second question on, as a rebinding server answers.
    const egress = egressWith({
      grants: [],
      resolver: async () => {
        asked += 1
        return asked === 1 ? ['93.184.216.34'] : ['127.0.0.1']
      },
    })
    await egress.check(`http://rebind.test:${port}/`)
    await expect(
      egress.request(`http://rebind.test:${port}/`, { timeoutMs: 1000 }),
    ).rejects.toMatchObject({ code: 'ZENHOOK_NET_ADDRESS_DENIED' })
    expect(asked).toBe(2)
    expect(reached).toBe(0)
  })

  it('F80: keeps connections of granted destinations from those without the grant', async () => {
    const { port } = await listen((_request, response) => response.end())
    const egress = egressWith({ resolver: async () => ['127.0.0.1'] })
    const url = `http://shared.test:${port}/`
    expect((await egress.request(url, local)).status).toBe(200)
    await expect(egress.request(url, { timeoutMs: 1000 })).rejects.toMatchObject({
      details: { reason: 'private_address' },
    })
  })
})
