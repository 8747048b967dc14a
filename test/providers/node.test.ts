import { nodeProvider } from '../../src/providers/node/provider.ts'
import { cctvConformance } from './conformance/cctv.ts'
import { cryptoBasicsConformance } from './conformance/crypto-basics.ts'
import { publishedValues } from './conformance/published.ts'
import { suiteConformance } from './conformance/suite.ts'
import { wycheproofConformance } from './conformance/wycheproof.ts'

// noble computes the others, and is checked by its own tests
const ids = [1, 2, 3]

cryptoBasicsConformance(nodeProvider, ids)
cctvConformance(nodeProvider)
suiteConformance(nodeProvider, ids)
publishedValues(nodeProvider)
wycheproofConformance(nodeProvider, ids)
