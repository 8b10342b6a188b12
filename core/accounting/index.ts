export {
  type AuditFilter,
  type AuditOptions,
  type AuditReport,
  type AuditStep,
  audit,
} from './audit.ts'
export { flowOf } from './flow.ts'
export {
  type Accounting,
  type AccountingOptions,
  type AccountingReport,
  startAccounting,
} from './reconciler.ts'
export { spooledEvents, tellSpool } from './spools.ts'
export type { Cause, Counts, Flow, Hop, OpenCounts, OpenState, Unaccounted } from './types.ts'
