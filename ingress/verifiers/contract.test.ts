import { presets } from '../providers/index.ts'
import { presetContract } from './contract.ts'

for (const preset of presets) presetContract(preset)
