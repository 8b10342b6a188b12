import type { ErrorEntry } from './entry.ts'

export const verifyErrors = {} as const satisfies Record<string, ErrorEntry>
