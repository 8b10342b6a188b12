import { Command } from 'commander'
import { contextOf, withGlobals } from '../context.ts'
import { listing } from '../output.ts'
import { Negative } from '../run.ts'

export const doctorCommand = (): Command =>
  withGlobals(new Command('doctor'))
    .description(
      'each engine and dependency: reachable, version, what is missing and how to mend it',
    )
    .option('--data-dir <dir>', 'data folder (also DATA_DIR)')
    .action(async ({ dataDir }: { dataDir?: string }, command: Command) => {
      const { examineAll } = await import('../doctor.ts')
      const { loadSettings } = await import('../load-settings.ts')
      const { streams, format } = contextOf(command)
      const { settings, warnings } = loadSettings(
        { demo: false, ...(dataDir === undefined ? {} : { dataDir }) },
        process.env,
      )
      for (const warning of warnings) streams.err(`warning: ${warning}\n`)
      const findings = await examineAll(settings)
      streams.out(
        listing(
          findings,
          [
            { title: '', value: ({ ok }) => (ok ? 'ok' : 'NO') },
            { title: 'what', value: ({ name }) => name },
            { title: 'found', value: ({ detail }) => detail },
            { title: 'do', value: ({ fix }) => fix },
          ],
          format,
        ),
      )
      if (findings.some(({ ok }) => !ok)) throw new Negative()
    })
