/** The program of a thread of `createNodePool`. */
import { parentPort } from 'node:worker_threads'
import { nodeProvider } from '../node/provider.ts'
import { buffersOf, type Job } from './protocol.ts'
import { work } from './work.ts'

parentPort?.on('message', async (job: Job) => {
  const answer = await work(job, nodeProvider)
  parentPort?.postMessage(answer, buffersOf(answer))
})
