/** What an attack costs: the error that refuses it, time, and memory that is still held afterwards. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Bytes, concatBytes } from '../../src/bytes/bytes.ts'
import { MlsError } from '../../src/bytes/errors.ts'
import { sealSenderData } from '../../src/framing/sender-data.ts'
import type { GroupState } from '../../src/group/state.ts'
import { encodeMlsMessage } from '../../src/index.ts'

setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc') as () => void
const held = async (): Promise<number> => {
  collect()
  // buffers are given back a little later
  await new Promise((resolve) => setTimeout(resolve, 10))
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

/** See {@link costOf}. */
export interface Cost {
  /** Rule, or else code, of the error that ended the work; `undefined` without one. */
  readonly refused: string | undefined
  /** What this process computed, at most; the clock on the wall and the one of the process both bound it. */
  readonly milliseconds: number
  /** MiB that are held when the work is over. */
  readonly mebibytes: number
}

/** A slow machine and one that compiles meanwhile take several times as long; what these tests look for takes for ever. */
export const slack = 10

/** Runs an attack. @throws what is no `MlsError` */
export async function costOf(work: () => unknown): Promise<Cost> {
  const before = await held()
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  let refused: string | undefined
  try {
    await work()
  } catch (error) {
    if (!(error instanceof MlsError)) throw error
    refused = error.rule ?? error.code
  }
  const { user, system } = process.cpuUsage(cpu)
  const milliseconds = Math.min(performance.now() - start, (user + system) / 1000)
  return { refused, milliseconds, mebibytes: (await held()) - before }
}

/** A PrivateMessage with genuine sender data of a member's choice and a ciphertext that is none. */
export function badMessage(attacker: GroupState, leafIndex: number, generation: number): Bytes {
  const { suite, context, secrets } = attacker.current
  const header = { groupId: context.groupId, epoch: context.epoch, contentType: 'application' as const }
  const ciphertext = suite.randomBytes(80)
  const senderData = { leafIndex, generation, reuseGuard: suite.randomBytes(4) }
  return encodeMlsMessage({
    wireFormat: 'mls_private_message',
    privateMessage: {
      ...header,
      authenticatedData: new Uint8Array(0),
      encryptedSenderData: sealSenderData(suite, secrets.senderDataSecret, ciphertext, header, senderData),
      ciphertext,
    },
  })
}

/** A length of a vector in four bytes. */
export function longLength(length: number): Bytes {
  return Uint8Array.of(0x80 | (length >>> 24), (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff)
}

/** A vector of `length` zeros with its length in four bytes. */
export function longVector(length: number): Bytes {
  return concatBytes(longLength(length), new Uint8Array(length))
}
