import { defineConfig } from 'vitest/config'

const shared = { pool: 'forks', hookTimeout: 60_000 } as const

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: 'suites',
          include: ['**/*.test.ts'],
          exclude: ['node_modules/**', 'dist/**', 'console/**', 'test/faults/**'],
          testTimeout: 20_000,
        },
      },
      {
        test: { ...shared, name: 'faults', include: ['test/faults/**/*.test.ts'] },
      },
    ],
  },
})
