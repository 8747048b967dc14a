import { real } from '../conformance/real.ts'
import { conformance } from '../conformance/suite.ts'

conformance('ejabberd, channel, TCP', real('ejabberd', 'mix', 'tcp'))
