import { wasmProvider } from '../../src/providers/wasm/provider.ts'
import { wycheproofConformance } from './conformance/wycheproof.ts'

wycheproofConformance(wasmProvider)
