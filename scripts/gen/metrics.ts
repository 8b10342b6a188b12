import { createMetrics } from '../../core/telemetry/index.ts'
import { heading, markdownTable } from './page.ts'

interface Declared {
  name: string
  help: string
  type: string
  labelNames: string[]
}

/** Every metric with its labels, as the registry has it. */
export const metricsPage = (): string => {
  const { registry, ...metrics } = createMetrics()
  const rows = Object.values(metrics)
    .map((metric) => metric as unknown as Declared)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, help, labelNames }) => [
      `\`${name}\``,
      labelNames.map((label) => `\`${label}\``).join(', '),
      help,
    ])
  return `${heading('Metrics', `The ${rows.length} metrics that \`/metrics\` exports.`)}\n${markdownTable(['metric', 'labels', 'meaning'], rows)}`
}
