import { inProcess } from '../conformance/in-process.ts'
import { identityConformance } from './conformance.ts'

identityConformance('in this process, Prosody', inProcess('prosody', 'muc'))
identityConformance('in this process, ejabberd', inProcess('ejabberd', 'muc'))
