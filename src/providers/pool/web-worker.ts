/** The program of a worker of `createWebPool`. */
import { wasmProvider } from '../wasm/provider.ts'
import { buffersOf, type Job } from './protocol.ts'
import { work } from './work.ts'

interface Scope {
  addEventListener(type: 'message', listener: (event: { readonly data: Job }) => void): void
  postMessage(message: unknown, transfer: readonly Transferable[]): void
}

const scope = globalThis as unknown as Scope
scope.addEventListener('message', async ({ data }) => {
  const answer = await work(data, wasmProvider)
  scope.postMessage(answer, buffersOf(answer))
})
