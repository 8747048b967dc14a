/** Pools of Web Workers, for browsers. */
import { wasmProvider } from '../wasm/provider.ts'
import type { PoolWorker } from './pool.ts'
import type { Answer } from './protocol.ts'
import { createPooledProvider, type PooledProvider, type PoolOptions } from './provider.ts'

export type { PooledProvider } from './provider.ts'

/** Settings; all have defaults. */
export interface WebPoolOptions extends Partial<PoolOptions> {
  /** Makes a worker that runs `xmpp-mls/providers/pool/web-worker`, when the bundler does not understand how this file does it. */
  readonly start?: () => Worker
}

/** The WASM provider with workers for large batches; as many as the machine runs at once, 4 at most. */
export function createWebPool(options: WebPoolOptions = {}): PooledProvider {
  const { provider = wasmProvider, size = Math.min(4, Math.max(2, navigator.hardwareConcurrency)) } = options
  // bundlers look for this very form
  const start = options.start ?? (() => new Worker(new URL('./web-worker.js', import.meta.url), { type: 'module' }))
  return createPooledProvider({ ...options, provider, size }, () => wrap(start()))
}

function wrap(worker: Worker): PoolWorker {
  return {
    post: (job, transfer) => worker.postMessage(job, [...transfer]),
    listen(answer, gone) {
      worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => answer(data))
      worker.addEventListener('error', gone)
      worker.addEventListener('messageerror', gone)
    },
    terminate: () => worker.terminate(),
  }
}
