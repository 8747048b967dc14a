import { real } from '../../conformance/real.ts'
import { mlsConformance } from '../conformance.ts'

mlsConformance('ejabberd, channel', real('ejabberd', 'mix', 'tcp'))
