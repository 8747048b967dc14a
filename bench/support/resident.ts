/**
 * A process that only joins a group, and says what it takes: `resident.ts PROVIDER SUITE FOLDER`, with the Welcome and the
 * keys that it is for in FOLDER. Prints one line of JSON, in bytes and milliseconds: memory around the first join, then the
 * times of more joins, each with one group in memory.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decode } from '../../src/codec/codec.ts'
import { StoredKeyPackage } from '../../src/group/key-package.ts'
import { joinGroup, keySigner } from '../../src/index.ts'
import { keyPackageRef } from '../../src/signed/key-package.ts'
import { openNamed } from './open-suite.ts'

const [provider, id, folder = ''] = process.argv.slice(2)
const suite = await openNamed(Number(id), provider)
const stored = decode(StoredKeyPackage, Uint8Array.from(readFileSync(join(folder, 'keys'))))
const signer = keySigner(suite, Uint8Array.from(readFileSync(join(folder, 'signer'))))
const reference = keyPackageRef(suite, stored.keyPackage)
const keyPackage = { ...stored, signer, reference, message: new Uint8Array(0), lastResort: false }
globalThis.gc?.()
const before = process.memoryUsage().rss
const welcome = Uint8Array.from(readFileSync(join(folder, 'welcome')))
const group = await joinGroup({ suite, welcome, keyPackage })
const peak = highWater()
await collect()
const { rss, heapUsed, external } = process.memoryUsage()
const joins: number[] = []
const end = performance.now() + 4000
while (joins.length === 0 || (joins.length < 15 && performance.now() < end)) {
  await collect()
  const start = performance.now()
  await joinGroup({ suite, welcome, keyPackage })
  joins.push(performance.now() - start)
}
console.log(JSON.stringify({ before, peak, after: rss, used: heapUsed + external, joins, members: group.memberCount }))

/** The most memory that was resident, in bytes. What `getrusage` says includes the process that started this one. */
function highWater(): number {
  try {
    const [, kibibytes] = /VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    return Number(kibibytes) * 1024
  } catch {
    return process.resourceUsage().maxRSS * 1024
  }
}

async function collect(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
