import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'

const ratioOf = (arg: string | undefined, warn: (what: string) => void): number => {
  if (arg === undefined) return 1
  const ratio = Number(arg)
  if (arg.trim() !== '' && ratio >= 0 && ratio <= 1) return ratio
  warn(`OTEL_TRACES_SAMPLER_ARG '${arg}' is not a number from 0 to 1: 1 is used`)
  return 1
}

/** `OTEL_TRACES_SAMPLER` and its argument; what is not known is said and left aside, as the specification asks. */
export const samplerOf = (
  name: string | undefined,
  arg: string | undefined,
  warn: (what: string) => void,
): Sampler => {
  const ratio = (): Sampler => new TraceIdRatioBasedSampler(ratioOf(arg, warn))
  switch (name) {
    case 'always_on':
      return new AlwaysOnSampler()
    case 'always_off':
      return new AlwaysOffSampler()
    case 'traceidratio':
      return ratio()
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() })
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: ratio() })
    case undefined:
    case 'parentbased_always_on':
      break
    default:
      warn(`OTEL_TRACES_SAMPLER '${name}' is not known here: parentbased_always_on is used`)
  }
  return new ParentBasedSampler({ root: new AlwaysOnSampler() })
}
