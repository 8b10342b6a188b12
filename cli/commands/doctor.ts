import { Command } from 'commander'
import { contextOf, withInstance } from '../context.ts'

export const doctorCommand = (): Command =>
  withInstance(new Command('doctor')).action((_o, command: Command) => {
    contextOf(command)
  })
