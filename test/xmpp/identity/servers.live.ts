import { real } from '../conformance/real.ts'
import { identityConformance } from './conformance.ts'

identityConformance('Prosody, TCP', real('prosody', 'muc', 'tcp'))
identityConformance('ejabberd, WebSocket', real('ejabberd', 'muc', 'websocket'))
