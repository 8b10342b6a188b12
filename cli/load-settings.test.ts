import { describe, expect, it } from 'vitest'
import { loadSettings } from './load-settings.ts'

const settingsOf = (env: Record<string, string>) => loadSettings({ demo: true }, env).settings

describe('the settings of a process', () => {
  it('hold a public URL that paths can follow', () => {
    const { publicUrl } = settingsOf({ PUBLIC_URL: 'https://hooks.example/zenhook/' })
    expect(publicUrl).toBe('https://hooks.example/zenhook')
    expect(settingsOf({}).publicUrl).toBeUndefined()
  })

  it.each([
    [{}, true],
    [{ ADMIN_HOST: '127.0.0.2' }, true],
    [{ ADMIN_HOST: 'localhost' }, true],
    [{ ADMIN_HOST: '::1' }, true],
    [{ ADMIN_HOST: '0.0.0.0' }, false],
    [{ ADMIN_HOST: '127.example.com' }, false],
    [{ ADMIN_HOST: '0.0.0.0', PLAY: 'on' }, true],
    [{ PLAY: 'off' }, false],
  ])('%j: request bins are on: %s', (env, on) => {
    expect(settingsOf(env).play).toBe(on)
  })

  it.each([
    [{ HOST: '0.0.0.0' }, undefined, 1],
    [{ HOST: '::' }, undefined, 1],
    [{ HOST: '0.0.0.0', PUBLIC_URL: 'https://hooks.example' }, undefined, 0],
    [{ HOST: '192.168.1.5' }, undefined, 0],
    [{ HOST: '0.0.0.0' }, 'processors,sink', 0],
    [{}, undefined, 0],
  ])('%j, roles %s: the URL that senders sign is not known: %i warnings', (env, roles, count) => {
    const flags = { demo: true, ...(roles === undefined ? {} : { roles }) }
    const { warnings } = loadSettings(flags, env)
    expect(warnings.filter((warning) => warning.includes('PUBLIC_URL'))).toHaveLength(count)
  })

  it('grant private ranges to all tenants or to one, and nothing that is no range', () => {
    const grantsOf = (...allowPrivate: string[]) =>
      loadSettings({ demo: true, allowPrivate }, {}).settings.allowPrivate
    expect(grantsOf('10.0.0.0/8,acme=192.168.0.0/16', 'b=127.0.0.1')).toEqual([
      '10.0.0.0/8',
      'acme=192.168.0.0/16',
      'b=127.0.0.1',
    ])
    for (const bad of ['acme', 'acme=', '=10.0.0.0/8', 'acme=10.0.0.0/99'])
      expect(() => grantsOf(bad)).toThrow(`--allow-private '${bad}'`)
  })
})
