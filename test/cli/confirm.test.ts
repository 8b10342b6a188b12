import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { entry, eventually, json, type Running, start, workspace, zenhook } from './harness.ts'

// A terminal of its own, by util-linux.
const hasTerminal = spawnSync('script', ['--version']).status === 0
if (!hasTerminal) console.info('skipped: what is asked on a terminal, for script(1) is not here')

let space: Awaited<ReturnType<typeof workspace>>
let running: Running
beforeAll(async () => {
  space = await workspace()
  running = await start({ dataDir: space.path('data') })
  await writeFile(space.path('both.yaml'), fileOf('one', 'two'))
  await writeFile(space.path('one.yaml'), fileOf('one'))
})
afterAll(() => space.remove())

const fileOf = (...names: string[]): string =>
  JSON.stringify({
    tenants: {
      acme: { destinations: Object.fromEntries(names.map((name) => [name, { connector: 'bin' }])) },
    },
  })
const apply = (name: string, ...more: string[]): string[] => [
  ...['apply', '-f', space.path(name), '--data-dir', space.path('data'), ...more],
]
const two = async (): Promise<number> =>
  (await running.api('/v1/registry/destination/acme/two')).status
const settled = (status: number): Promise<true> =>
  eventually(async () => (await two()) === status || undefined, `status ${status}`)

/** A command on a terminal, on which `key` is pressed once it asks. */
const onTerminal = async (args: string[], key = ''): Promise<{ code: number; shown: string }> => {
  const line = [process.execPath, entry, ...args].map((each) => `'${each}'`).join(' ')
  const child = spawn('script', ['-qec', `stty cols 120 rows 40 && ${line}`, '/dev/null'], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let shown = ''
  let pressed = key === ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
    if (pressed || !shown.includes('Remove this object?')) return
    pressed = true
    child.stdin.write(key)
  })
  const [code] = (await once(child, 'close')) as [number]
  child.stdin.destroy()
  return { code, shown }
}

describe('what destroys', () => {
  it('asks nobody where there is no terminal', async () => {
    expect((await zenhook(apply('both.yaml'))).code).toBe(0)
    await settled(200)
    const dry = await zenhook(apply('one.yaml', '--dry-run', '-o', 'json'))
    expect(json(dry)).toMatchObject({ changed: [{ action: 'delete', name: 'two' }] })
    expect(await two()).toBe(200)
    expect((await zenhook(apply('one.yaml'))).code).toBe(0)
    await settled(404)
  })

  it.skipIf(!hasTerminal)(
    'asks on a terminal, and heeds the answer and --yes',
    {
      timeout: 150_000,
    },
    async () => {
      // Nothing goes: nothing is asked.
      const made = await onTerminal(apply('both.yaml'))
      expect(made).toMatchObject({ code: 0, shown: expect.stringContaining('create') as string })
      await settled(200)

      const refused = await onTerminal(apply('one.yaml'), 'n')
      expect(refused.code).toBe(1)
      expect(refused.shown).toContain('removes destination acme/two')
      expect(refused.shown).toContain('nothing was changed')
      // What is not an answer is no consent, either.
      expect((await onTerminal(apply('one.yaml'), '\r')).code).toBe(1)
      expect((await onTerminal(apply('one.yaml'), '\u0003')).code).toBe(1)
      expect(await two()).toBe(200)

      expect((await onTerminal(apply('one.yaml'), 'y')).code).toBe(0)
      await settled(404)

      expect((await onTerminal(apply('both.yaml', '--yes'))).code).toBe(0)
      await settled(200)
      const sure = await onTerminal(apply('one.yaml', '--yes'))
      expect(sure.code).toBe(0)
      expect(sure.shown).not.toContain('Remove')
      await settled(404)
    },
  )
})
