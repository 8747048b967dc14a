import { real } from '../../conformance/real.ts'
import { mlsConformance } from '../conformance.ts'

mlsConformance('ejabberd, room', real('ejabberd', 'muc', 'tcp'))
