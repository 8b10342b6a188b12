import { embeddedEngines } from '../e2e/rig.ts'
import { replaySuite } from './suite.ts'

replaySuite('embedded engines', embeddedEngines)
