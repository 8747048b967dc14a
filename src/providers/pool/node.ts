/** Pools of `worker_threads`, for Node. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { nodeProvider } from '../node/provider.ts'
import type { PoolWorker } from './pool.ts'
import type { Answer } from './protocol.ts'
import { createPooledProvider, type PooledProvider, type PoolOptions } from './provider.ts'

export type { PooledProvider } from './provider.ts'

/** Settings; all have defaults. */
export interface NodePoolOptions extends Partial<PoolOptions> {
  /** The program of a worker, when it does not stand beside this file. */
  readonly worker?: URL
}

/**
 * The Node provider with workers for large batches; as many as the machine runs at once. Threads start at the first large
 * batch and do not keep the process alive.
 */
export function createNodePool(options: NodePoolOptions = {}): PooledProvider {
  const { provider = nodeProvider, size = Math.max(2, availableParallelism()) } = options
  const program = options.worker ?? new URL('./node-worker.js', import.meta.url)
  return createPooledProvider({ ...options, provider, size }, () => startThread(program))
}

function startThread(program: URL): PoolWorker {
  const thread = new Worker(program)
  // a pool that nobody closed must not hold the process
  thread.unref()
  let jobs = 0
  return {
    post(job, transfer) {
      // but a job under way must
      if (jobs++ === 0) thread.ref()
      thread.postMessage(job, [...transfer])
    },
    listen(answer, gone) {
      thread.on('message', (message: Answer) => {
        if (--jobs === 0) thread.unref()
        answer(message)
      })
      thread.on('error', gone)
      thread.on('exit', gone)
    },
    terminate: () => void thread.terminate(),
  }
}
