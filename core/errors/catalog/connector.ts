import type { ErrorEntry } from './entry.ts'

export const connectorErrors = {} as const satisfies Record<string, ErrorEntry>
