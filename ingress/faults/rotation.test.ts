import { createHmac } from 'node:crypto'
import { mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSecrets } from '../../core/registry/secrets.ts'
import { createVerifiers } from '../sources.ts'
import { genuineHeaders, makeSource, verifierOf } from '../testing/fakes.ts'
import { type Started, startIngress } from '../testing/harness.ts'
import { sendDraft } from '../testing/send.ts'

const boundMs = 5_000
const values = { old: 'the-secret-that-goes', new: 'the-secret-that-comes' }
type Which = keyof typeof values

describe('secrets in files, rotated under load', () => {
  let dir: string
  let started: Started
  const put = async (name: string, value: string): Promise<void> => {
    await writeFile(join(dir, 'next'), `${value}\n`)
    await rename(join(dir, 'next'), join(dir, name))
  }
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'zenhook-rotation-'))
    await put('b', values.old)
    const secrets = createSecrets({ env: {}, grants: () => 'any' })
    started = await startIngress(
      [makeSource({ secrets: [`file:${join(dir, 'a')}`, `file:${join(dir, 'b')}`] })],
      {
        verifierFor: createVerifiers({ secrets, create: verifierOf }),
        failures: { perSecond: 10_000, burst: 10_000 },
        failuresAnywhere: { perSecond: 10_000, burst: 10_000 },
      },
    )
  })
  afterAll(async () => {
    await started.close()
    await rm(dir, { recursive: true, force: true })
  })

  it('F52: both are taken while both are there; one that is removed is refused within 5 s', {
    timeout: 60_000,
  }, async () => {
    const seen: { which: Which; sentAt: number; status: number }[] = []
    let sent = 0
    const send = async (which: Which): Promise<number> => {
      sent += 1
      const body = `{"n":${sent}}`
      const signature = createHmac('sha256', values[which]).update(body).digest('hex')
      const sentAt = performance.now()
      const headers = { ...genuineHeaders(body), 'x-hub-signature-256': `sha256=${signature}` }
      const { status } = await sendDraft(started.port, {
        method: 'POST',
        url: 'http://x/in/acme/github',
        headers: Object.entries(headers),
        body: Buffer.from(body),
      })
      seen.push({ which, sentAt, status })
      return status
    }
    let loading = true
    const load = (which: Which): Promise<void>[] =>
      Array.from({ length: 4 }, async () => {
        while (loading) {
          await send(which)
          await sleep(10)
        }
      })
    const under = [...load('old'), ...load('new')]
    /** Until a change is seen, ms. */
    const until = async (which: Which, status: number): Promise<number> => {
      const from = performance.now()
      while ((await send(which)) !== status) {
        if (performance.now() - from > 20_000) throw new Error(`${which} never gave ${status}`)
        await sleep(20)
      }
      return performance.now() - from
    }
    await until('old', 202)
    await put('a', values.new)
    const cameMs = await until('new', 202)
    const both = performance.now()
    await sleep(1_500)
    const removedAt = performance.now()
    await unlink(join(dir, 'b'))
    const goneMs = await until('old', 401)
    await sleep(1_000)
    loading = false
    await Promise.all(under)
    console.info(
      `F52: taken after ${cameMs.toFixed(0)} ms, refused after ${goneMs.toFixed(0)} ms, ${seen.length} requests`,
    )
    expect(cameMs).toBeLessThan(boundMs)
    expect(goneMs).toBeLessThan(boundMs)
    const wrong = seen.filter(({ which, sentAt, status }) => {
      if (which === 'new') return status !== 202 && (sentAt > both || status !== 401)
      if (status === 202) return sentAt > removedAt + boundMs
      return status !== 401 || sentAt < removedAt
    })
    expect(wrong).toEqual([])
    expect(seen.length).toBeGreaterThan(100)
  })
})
