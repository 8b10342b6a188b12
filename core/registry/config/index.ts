export {
  type CheckedConfig,
  type CheckOptions,
  type ConfigFault,
  checkConfig,
} from './check.ts'
export { type Components, configJsonSchema, type ProviderInfo } from './schema.ts'
