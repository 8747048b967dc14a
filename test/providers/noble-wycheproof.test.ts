import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { wycheproofConformance } from './conformance/wycheproof.ts'

wycheproofConformance(nobleProvider)
