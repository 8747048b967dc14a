import { real } from '../conformance/real.ts'
import { conformance } from '../conformance/suite.ts'

conformance('Prosody, room, TCP', 'muc', real('prosody', 'muc', 'tcp'))
