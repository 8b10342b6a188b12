export { type AddressKind, kindOf, type Listener } from './address.ts'
export {
  connectionsPerOrigin,
  createEgress,
  type Egress,
  type EgressOptions,
  type EgressRequest,
  type EgressResponse,
} from './egress.ts'
export { targetFault } from './registration.ts'
export type { Resolver } from './resolver.ts'
export { parseTarget, type Target } from './url.ts'
