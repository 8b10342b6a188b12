import type { ErrorEntry } from './entry.ts'

export const netErrors = {} as const satisfies Record<string, ErrorEntry>
