import { inProcess } from './conformance/in-process.ts'
import { conformance } from './conformance/suite.ts'

conformance('in-process, like Prosody, room', inProcess('prosody', 'muc'))
conformance('in-process, like ejabberd, room', inProcess('ejabberd', 'muc'))
conformance('in-process, like ejabberd, channel', inProcess('ejabberd', 'mix'))
