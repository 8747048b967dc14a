import { vi } from 'vitest'
import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { cctvConformance } from './conformance/cctv.ts'
import { cryptoBasicsConformance } from './conformance/crypto-basics.ts'
import { publishedValues } from './conformance/published.ts'
import { suiteConformance } from './conformance/suite.ts'

// P-521 in plain JavaScript is slow on a busy machine
vi.setConfig({ testTimeout: 60_000 })

cryptoBasicsConformance(nobleProvider)
cctvConformance(nobleProvider)
suiteConformance(nobleProvider)
publishedValues(nobleProvider)
