import type { z } from 'zod'

/**
 * What a component (verifier, stage, connector) declares about itself. Config lint, the reference docs,
 * and later forms and CRD schemas are made from it.
 */
export interface ComponentSpec<C = unknown> {
  /** Kebab-case; what configuration says. */
  name: string
  kind: 'verifier' | 'stage' | 'connector'
  summary: string
  status: 'stable' | 'beta'
  /** Its own configuration, with a description on every field. */
  config: z.ZodType<C>
  /** Members of the configuration that are URLs to connect to. */
  targets?: readonly string[]
  /** Secrets by role, with what they must look like. */
  secrets?: Readonly<Record<string, SecretSpec>>
  /** Roles that do together; one of these sets has to be there. */
  secretSets?: readonly (readonly string[])[]
  /** Every reason its decisions may give, snake_case, with what it means. */
  reasons: Readonly<Record<string, string>>
  /** Configuration examples, in YAML. */
  examples: readonly { title: string; yaml: string }[]
}

export interface SecretSpec {
  description: string
  required: boolean
  /** Several values may live at once (rotation). */
  many: boolean
}

/** Whether there is a secret at all, or a list with one. */
export const isGiven = (secret: unknown): boolean =>
  secret !== undefined && secret !== null && !(Array.isArray(secret) && secret.length === 0)

/** What a component says of the secrets that it needs and was not given, by role. */
export const lackingSecrets = (
  { name, kind, secrets = {}, secretSets = [] }: ComponentSpec,
  given: Readonly<Record<string, unknown>>,
): string[] => {
  const has = (role: string): boolean => Object.hasOwn(given, role) && isGiven(given[role])
  const lacking = Object.entries(secrets)
    .filter(([role, { required }]) => required && !has(role))
    .map(([role]) => `${kind} '${name}' needs the secret '${role}'`)
  if (secretSets.length === 0 || secretSets.some((set) => set.every(has))) return lacking
  const ways = secretSets.map((set) => set.map((role) => `'${role}'`).join(' and '))
  return [...lacking, `${kind} '${name}' needs the secrets ${ways.join(', or ')}`]
}
