import { inProcess } from '../conformance/in-process.ts'
import { mlsConformance } from './conformance.ts'

mlsConformance('in this process, Prosody, room', inProcess('prosody', 'muc'))
mlsConformance('in this process, ejabberd, room', inProcess('ejabberd', 'muc'))
mlsConformance('in this process, ejabberd, channel', inProcess('ejabberd', 'mix'))
