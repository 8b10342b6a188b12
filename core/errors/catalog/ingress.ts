import type { ErrorEntry } from './entry.ts'

export const ingressErrors = {} as const satisfies Record<string, ErrorEntry>
