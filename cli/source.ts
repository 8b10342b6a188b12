import { usage } from './output.ts'

interface Place {
  tenant?: string
  source?: string
}

/** `TENANT/SOURCE`, or a name alone or beside `--tenant`; anything else would match nothing, in silence. */
export const sourceOf = ({ tenant, source }: Place): Place => {
  const given = tenant === undefined ? {} : { tenant }
  if (source === undefined) return given
  const [first = '', second, ...more] = source.split('/')
  if (first === '' || second === '' || more.length > 0)
    throw usage(`--source '${source}' is neither TENANT/SOURCE nor the name of a source`)
  if (second === undefined) return { ...given, source }
  if (tenant !== undefined && tenant !== first)
    throw usage('--tenant and --source name two tenants')
  return { tenant: first, source: second }
}
