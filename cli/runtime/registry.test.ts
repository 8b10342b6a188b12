import { expect, it } from 'vitest'
import { createPlainSecrets } from '../../core/registry/secrets.ts'
import { secretsOf } from './registry.ts'
import { type Role, roles } from './roles.ts'

const of = (...held: Role[]) =>
  secretsOf(
    { roles: new Set(held), env: { SECRET: 'canary' }, secretsDir: undefined },
    createPlainSecrets(),
  )

it.each(roles)('F87: only what proves or signs unlocks a secret: %s', async (role) => {
  const resolved = of(role).resolve('acme', 'env:SECRET')
  if (['ingress', 'connectors', 'api'].includes(role)) expect(await resolved).toBe('canary')
  else await expect(resolved).rejects.toMatchObject({ code: 'ZENHOOK_REGISTRY_SECRET_FORBIDDEN' })
})

it('F87: processors and sink in one process unlock none either', async () => {
  await expect(
    of('processors', 'sink').resolve('acme', 'file:/etc/hostname'),
  ).rejects.toMatchObject({ code: 'ZENHOOK_REGISTRY_SECRET_FORBIDDEN' })
})
