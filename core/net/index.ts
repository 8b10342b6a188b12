export { type AddressKind, kindOf, type Listener } from './address.ts'
export type { Resolver } from './dial.ts'
export {
  createEgress,
  type Egress,
  type EgressOptions,
  type EgressRequest,
  type EgressResponse,
} from './egress.ts'
export { parseTarget, type Target } from './url.ts'
