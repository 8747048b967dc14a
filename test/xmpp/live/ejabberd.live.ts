import { real } from '../conformance/real.ts'
import { conformance } from '../conformance/suite.ts'

conformance('ejabberd, room, WebSocket', 'muc', real('ejabberd', 'muc', 'websocket'))
