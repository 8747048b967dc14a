import { inProcess } from './conformance/in-process.ts'
import { conformance } from './conformance/suite.ts'

conformance('in-process, like Prosody, room', 'muc', inProcess('prosody', 'muc'))
conformance('in-process, like ejabberd, room', 'muc', inProcess('ejabberd', 'muc'))
conformance('in-process, like ejabberd, channel', 'mix', inProcess('ejabberd', 'mix'))
