import { wasmProvider } from '../../src/providers/wasm/provider.ts'
import { cctvConformance } from './conformance/cctv.ts'
import { cryptoBasicsConformance } from './conformance/crypto-basics.ts'
import { publishedValues } from './conformance/published.ts'
import { suiteConformance } from './conformance/suite.ts'

cryptoBasicsConformance(wasmProvider)
cctvConformance(wasmProvider)
suiteConformance(wasmProvider)
publishedValues(wasmProvider)
