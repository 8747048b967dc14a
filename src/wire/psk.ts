import {
  type Codec,
  concat,
  enumeration,
  type Infer,
  opaque,
  struct,
  uint8,
  uint16,
  uint64,
  variant,
} from '../codec/codec.ts'

/** RFC 9420 §8.4. */
export const ResumptionPskUsage = enumeration(uint8, { application: 1, reinit: 2, branch: 3 }, 'V021')
export type ResumptionPskUsage = Infer<typeof ResumptionPskUsage>

/** RFC 9420 §8.4: names a PSK; the nonce makes each use another id (V204). */
export const PreSharedKeyId = concat(
  variant(
    'psktype',
    uint8,
    {
      external: [1, { pskId: opaque }],
      resumption: [2, { usage: ResumptionPskUsage, pskGroupId: opaque, pskEpoch: uint64 }],
    },
    'V020',
  ),
  struct({ pskNonce: opaque }),
)
export type PreSharedKeyId = Infer<typeof PreSharedKeyId>

/** PSKLabel of RFC 9420 §8.4. `index` and `count` are uint16 (V208). */
export const PskLabel: Codec<{ readonly id: PreSharedKeyId; readonly index: number; readonly count: number }> = struct({
  id: PreSharedKeyId,
  index: uint16,
  count: uint16,
})
