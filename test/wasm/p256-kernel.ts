import { buildP256 } from '../../wasm/p256/build.ts'
import { instantiate, type Kernel, kernelBytes } from './kernel.ts'

export const loadP256 = async (): Promise<Kernel> =>
  instantiate(await kernelBytes('p256', ['p256', 'symmetric'], buildP256))
