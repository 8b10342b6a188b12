import { discord } from './discord.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import type { Preset } from './preset.ts'
import { slack } from './slack.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import { stripe } from './stripe.ts'

export type { Preset, PresetScheme, Sample } from './preset.ts'

/** Every preset: one file and one line. */
export const presets: readonly Preset[] = [discord, github, gitlab, slack, standardWebhooks, stripe]

const byName = new Map(
  presets.flatMap((preset) =>
    [preset.name, ...(preset.aliases ?? [])].map((name) => [name, preset] as const),
  ),
)

export const findPreset = (name: string): Preset | undefined => byName.get(name)
