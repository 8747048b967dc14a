import { real } from '../../conformance/real.ts'
import { mlsConformance } from '../conformance.ts'

mlsConformance('Prosody, room', real('prosody', 'muc', 'tcp'))
