import { wasmProvider } from '../../src/providers/wasm/provider.ts'
import { cctvConformance } from './conformance/cctv.ts'
import { cryptoBasicsConformance } from './conformance/crypto-basics.ts'
import { publishedValues } from './conformance/published.ts'
import { suiteConformance } from './conformance/suite.ts'
import { wycheproofConformance } from './conformance/wycheproof.ts'

// noble computes the others, and is checked by its own tests
const ids = [1, 2, 3]

cryptoBasicsConformance(wasmProvider, ids)
cctvConformance(wasmProvider)
suiteConformance(wasmProvider, ids)
publishedValues(wasmProvider)
wycheproofConformance(wasmProvider, ids)
