import { Command } from 'commander'
import { loadSettings, showSettings } from '../../core/config/env.ts'
import { contextOf, readInput, withGlobals } from '../context.ts'
import { listing } from '../output.ts'
import { Negative } from '../run.ts'

const check = (): Command =>
  withGlobals(new Command('check'))
    .description('every fault of a configuration file with its place; exit 1 if there is one')
    .argument('<file>', 'configuration file, or - for standard input')
    .action(async (file: string, _options, command: Command) => {
      const { streams, format, quiet } = contextOf(command)
      const { checkConfig } = await import('../../core/registry/config/index.ts')
      const { components } = await import('../components.ts')
      const { faults, warnings } = checkConfig(await readInput(file), file, components)
      if (format === 'json' || format === 'yaml') {
        const all = faults.map(({ file, line, column, code, message }) => ({
          file,
          line,
          column,
          code,
          message,
        }))
        streams.out(listing(all, [], format))
      } else {
        for (const { file, line, column, code, message } of faults) {
          streams.out(`${file}:${line}:${column} ${code} ${message}\n`)
        }
      }
      if (!quiet) {
        for (const { file, line, column, code, message } of warnings) {
          streams.err(`warning: ${file}:${line}:${column} ${code} ${message}\n`)
        }
        if (faults.length === 0 && format === 'table') streams.out(`${file} is valid\n`)
      }
      if (faults.length > 0) throw new Negative()
    })

const env = (): Command =>
  withGlobals(new Command('env'))
    .description(
      'every setting of the environment with its value and where it came from; secrets masked',
    )
    .action((_options, command: Command) => {
      const { streams, format } = contextOf(command)
      const { settings, warnings } = loadSettings({ env: process.env })
      for (const warning of warnings) streams.err(`warning: ${warning}\n`)
      streams.out(
        listing(
          showSettings(settings),
          [
            { title: 'variable', value: (s) => s.env },
            { title: 'value', value: (s) => s.value },
            { title: 'origin', value: (s) => s.origin },
            { title: 'from', value: (s) => s.from, wide: true },
          ],
          format,
        ),
      )
    })

export const configCommand = (): Command =>
  new Command('config').description('configuration files').addCommand(check()).addCommand(env())
