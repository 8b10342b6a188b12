import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { createChdbDecisions } from '../../decisions/chdb/index.ts'
import type { Decisions } from '../../decisions/port.ts'
import { createMemoryKv } from '../../kv/memory/index.ts'
import type { Kv } from '../../kv/port.ts'
import { createMemoryLog } from '../../log/memory/index.ts'
import { type AuditFilter, type AuditReport, audit, type Unaccounted } from '../index.ts'
import { type AccountingRig, accountingOf, codec, type RigOptions, startRig } from './index.ts'

/** Tables of the file that imports this, and rigs of its cases, ended after each. */
export let decisions: Decisions
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zenhook-accounting-'))
  decisions = await createChdbDecisions({ folder: join(folder, 'decisions') })
  await decisions.ensureTables()
})
afterAll(async () => {
  await decisions.close()
  await rm(folder, { recursive: true, force: true })
})

export const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

export const rigOf = async (
  options: Partial<RigOptions> = {},
): Promise<{ rig: AccountingRig; kv: Kv; log: ReturnType<typeof createMemoryLog> }> => {
  const log = createMemoryLog()
  const kv = createMemoryKv()
  cleanups.push(
    () => log.close(),
    () => kv.close(),
  )
  const rig = await startRig({ log, kv, decisions, ...options })
  cleanups.push(() => rig.close())
  return { rig, kv, log }
}

export const accountant = (rig: AccountingRig, kv: Kv, over = {}) => {
  const accounting = accountingOf(rig, { kv, decisions, ...over })
  cleanups.push(() => accounting.close())
  return accounting
}

/** Accounts until nothing is pending. */
export const settled = async (accounting: ReturnType<typeof accountant>) => {
  for (let tries = 0; ; tries += 1) {
    const report = await accounting.run()
    if (report === undefined) throw new Error('another process accounts')
    if (report.open.pending === 0) return report
    if (tries > 50) throw new Error(`still pending: ${JSON.stringify(report)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

export const audited = async (
  rig: AccountingRig,
  filter: AuditFilter = {},
  graceMs = 0,
  over: { patienceMs?: number } = {},
): Promise<{ report: AuditReport; named: Unaccounted[] }> => {
  const named: Unaccounted[] = []
  const steps = audit(
    {
      ...{ log: rig.log, codec, decisions, flow: rig.flow, now: Date.now, graceMs, ...over },
      signal: new AbortController().signal,
      spooled: async () => 0,
    },
    filter,
  )
  for await (const step of steps) {
    if (step.kind === 'unaccounted') named.push(step.event)
    if (step.kind === 'report') return { report: step.report, named }
  }
  throw new Error('no report')
}
