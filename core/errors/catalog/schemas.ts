import type { ErrorEntry } from './entry.ts'

export const schemasErrors = {
  ZENHOOK_SCHEMAS_UNKNOWN_ID: {
    summary: 'A record names a schema id that is not known',
    fix: 'Register the schema it was written with, or point SCHEMA_REGISTRY_URL at the registry of its writer',
  },
  ZENHOOK_SCHEMAS_BAD_FRAME: {
    summary: 'A record is not in Confluent framing',
    fix: 'Write values as magic byte 0, a four-byte schema id, then Avro',
  },
  ZENHOOK_SCHEMAS_UNAVAILABLE: {
    summary: 'The schema registry cannot be reached',
    fix: 'Check SCHEMA_REGISTRY_URL; known ids keep working from the cache',
  },
  ZENHOOK_SCHEMAS_INCOMPATIBLE: {
    summary: 'The schema registry refuses a schema as incompatible',
    fix: 'Change the schema compatibly (add fields with defaults), or use a new topic version',
  },
} as const satisfies Record<string, ErrorEntry>
