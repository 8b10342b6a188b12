#!/usr/bin/env node
// In a checkout the sources run directly; an installed package runs its compiled output.
import { existsSync } from 'node:fs'

const source = new URL('../cli/main.ts', import.meta.url)
const built = new URL('../dist/cli/main.js', import.meta.url)
if (existsSync(source) && !process.env.ZENHOOK_USE_DIST) {
  const { register } = await import('tsx/esm/api')
  register()
  await import(source.href)
} else {
  await import(built.href)
}
