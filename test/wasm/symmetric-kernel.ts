import { buildSymmetric } from '../../wasm/symmetric/build.ts'
import { instantiate, type Kernel, kernelBytes } from './kernel.ts'

export const loadSymmetric = async (): Promise<Kernel> =>
  instantiate(await kernelBytes('symmetric', ['symmetric'], buildSymmetric))
