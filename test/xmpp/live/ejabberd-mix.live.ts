import { real } from '../conformance/real.ts'
import { conformance } from '../conformance/suite.ts'

conformance('ejabberd, channel, TCP', 'mix', real('ejabberd', 'mix', 'tcp'))
