import { federated } from '../../conformance/real.ts'
import { mlsConformance } from '../conformance.ts'

mlsConformance('rooms at ejabberd, accounts at Prosody', federated)
