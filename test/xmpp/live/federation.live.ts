import { federated } from '../conformance/real.ts'
import { conformance } from '../conformance/suite.ts'

conformance('room at ejabberd, accounts at Prosody', 'muc', federated)
