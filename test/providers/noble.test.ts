import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { cctvConformance } from './conformance/cctv.ts'
import { cryptoBasicsConformance } from './conformance/crypto-basics.ts'
import { suiteConformance } from './conformance/suite.ts'

cryptoBasicsConformance(nobleProvider)
cctvConformance(nobleProvider)
suiteConformance(nobleProvider)
