import { MlsError } from '../bytes/errors.ts'

/** The length of each info of a chain of expansions. @throws `crypto/length` for infos that are not of one length */
export function chainedLength(infos: Uint8Array, count: number): number {
  const length = infos.length / count
  if (!Number.isSafeInteger(count) || count < 1 || !Number.isInteger(length))
    throw new MlsError('crypto/length', 'infos of a chain that are not of one length')
  return length
}
