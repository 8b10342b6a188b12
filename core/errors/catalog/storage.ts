import type { ErrorEntry } from './entry.ts'

export const storageErrors = {
  ZENHOOK_STORAGE_LOCKED: {
    summary: 'Another process uses this data folder',
    fix: 'Stop the other process, or give this one its own --data-dir',
  },
  ZENHOOK_STORAGE_VERSION: {
    summary: 'The data folder was written by another version of Zenhook',
    fix: 'Use the version that wrote it, or start with a new --data-dir',
  },
  ZENHOOK_STORAGE_MIGRATION: {
    summary: 'The data folder cannot be brought to the present format',
    fix: 'It is as it was: mend the cause and start again, or start the version that wrote it',
  },
  ZENHOOK_STORAGE_FULL: {
    summary: 'The disk of the data folder is full',
    fix: 'Free space or move the data folder; what was acknowledged is safe',
  },
  ZENHOOK_STORAGE_UNUSABLE: {
    summary: 'The data folder cannot be used',
    fix: 'Give --data-dir a folder that this user may create and write',
  },
} as const satisfies Record<string, ErrorEntry>
