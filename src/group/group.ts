/**
 * A group at one client: a thin cell around an immutable {@link GroupState}, with a queue, so that two calls never work on
 * the same state. Staging computes values; merging swaps the state; whatever throws changes nothing.
 */
import type { Bytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { createCommit } from '../commit/create-commit.ts'
import { ruleGroup } from '../commit/rules.ts'
import { discardStaged, type StagedCommit } from '../commit/staged-commit.ts'
import { makeGroupInfo } from '../commit/welcome.ts'
import type { OpenedMessage } from '../framing/private-message.ts'
import { ProposalCache } from '../proposals/proposal-cache.ts'
import { encodeMlsMessage } from '../wire/mls-message.ts'
import type { PreSharedKeyId } from '../wire/psk.ts'
import { type CommitOptions, commitRequest } from './commit-options.ts'
import { GroupView } from './group-view.ts'
import { type Merged, mergeState, requireMergeable, wipeState } from './merge.ts'
import { type ProposeOptions, proposeIn } from './propose.ts'
import { type ProtectOptions, protectIn } from './protect.ts'
import { stageMessage } from './receive.ts'
import type { ReceiveResult } from './result.ts'
import { type GroupState, retainEpochs } from './state.ts'

/** One change of the state: see `#swap`. */
interface Step<T, R> {
  readonly work: (state: GroupState) => T | Promise<T>
  readonly apply: (result: T) => R
  readonly drop?: (result: T) => void
  readonly again?: boolean
}

function nothing(): void {}

/** See the file. Made by `createGroup`, `joinGroup`, `joinExternal` and `restoreGroup`. */
export class Group extends GroupView {
  #state: GroupState
  #queue: Promise<unknown> = Promise.resolve()
  /** The messages of staged commits of others, whose keys are spent by merging. */
  readonly #onMerge = new WeakMap<StagedCommit, OpenedMessage>()

  /** For `group/`. */
  constructor(state: GroupState) {
    super()
    this.#state = state
  }

  get state(): GroupState {
    return this.#state
  }

  /**
   * Creates a commit (RFC 9420 §12.4): with no options, fresh keys for the own leaf. The group stays in its epoch; the
   * commit is {@link pending} until {@link merge} or {@link discard}. Send `commit`; hand out the Welcome that `merge`
   * returns only when the delivery service has accepted it.
   * @throws `group/pending` when another own commit waits; codes of the proposals; `psk/missing`; `policy/proposal`;
   *   `group/staged` when another epoch began meanwhile
   */
  commit(options: CommitOptions = {}): Promise<{ readonly commit: Bytes; readonly staged: StagedCommit }> {
    return this.#exclusive(() =>
      this.#swap({
        work: async (state) => {
          if (state.pending !== undefined) throw new MlsError('group/pending', 'an own commit waits for its outcome')
          const request = await commitRequest(state, options, (id) => this.#psk(id))
          return createCommit(state.current, state.config, request)
        },
        apply: ({ message, staged }) => {
          this.#state = { ...this.#state, pending: staged }
          return { commit: message, staged }
        },
        drop: ({ staged }) => discardStaged(staged),
      }),
    )
  }

  /**
   * Sends a proposal (RFC 9420 §12.1) for a later commit.
   * @throws codes of the proposal; `limit/exceeded` (R15); `group/staged` when another epoch began meanwhile
   */
  propose(options: ProposeOptions): Promise<{ readonly proposal: Bytes; readonly reference: Bytes }> {
    return this.#exclusive(() =>
      this.#swap({
        work: (state) => proposeIn(state, options),
        apply: ({ message, cached, proposals }) => {
          this.#state = { ...this.#state, proposals }
          return { proposal: message, reference: cached.reference }
        },
      }),
    )
  }

  /**
   * Makes a staged commit the current epoch, and wipes what the old one must not keep.
   * @throws `group/staged` when the commit does not start from the current epoch, or was discarded
   */
  merge(staged: StagedCommit): Merged {
    const state = this.#active()
    requireMergeable(state, staged)
    this.#onMerge.get(staged)?.accept()
    this.#state = mergeState(state, staged)
    if (staged.next === undefined) return { welcome: undefined, groupInfo: undefined }
    return { welcome: staged.welcome, groupInfo: staged.groupInfo }
  }

  /** Lets a staged commit go: the own pending one when none is named. The group stays in its epoch. */
  discard(staged: StagedCommit | undefined = this.#state.pending): void {
    if (staged === undefined) return
    this.#onMerge.get(staged)?.reject()
    discardStaged(staged)
    if (staged === this.#state.pending) this.#state = { ...this.#state, pending: undefined }
  }

  /**
   * Encrypts an application message (RFC 9420 §6.3); returns the encoded MLSMessage. The generation that it uses is gone
   * when this returns: send these bytes again rather than encrypting again.
   * @throws `group/must_commit` while proposals wait (V277), `group/closed` (V278), `group/removed` (V274),
   *   `ratchet/exhausted`, `group/blocked` when the signer answers asynchronously
   */
  protect(data: Uint8Array, options: ProtectOptions = {}): Bytes {
    return protectIn(this.#active(), data, options)
  }

  /**
   * Processes a message of the group and applies it: a commit is merged. Of a rejected message nothing remains.
   * @throws `MlsError` of kind `malformed`, `peer_misbehaved`, `peer_incompatible`, `refused`, or `psk/missing` and
   *   `proposal/unknown_ref`, after which the same message can be tried again
   */
  receive(message: Uint8Array): Promise<ReceiveResult> {
    return this.#exclusive(() =>
      this.#stage(message, (result) => {
        if (result.kind === 'own-commit') return { ...result, ...this.merge(result.staged) }
        if (result.kind === 'commit') this.merge(result.staged)
        return result
      }),
    )
  }

  /** As {@link receive}, but a commit is left staged: look at it, store it, then {@link merge} or {@link discard} it. */
  stage(message: Uint8Array): Promise<ReceiveResult> {
    return this.#exclusive(() => this.#stage(message, (result) => result))
  }

  /** A signed GroupInfo of the current epoch (RFC 9420 §12.4.3), as an encoded MLSMessage. */
  groupInfo(options: { readonly ratchetTree?: boolean; readonly externalPub?: boolean } = {}): Promise<Bytes> {
    return this.#exclusive(async () => {
      const { current, config } = this.readable()
      const groupInfo = await makeGroupInfo(current, {
        ratchetTree: options.ratchetTree ?? config.ratchetTreeExtension,
        externalPub: options.externalPub ?? config.externalPub,
      })
      return encodeMlsMessage({ wireFormat: 'mls_group_info', groupInfo })
    })
  }

  /**
   * Holds the current epoch against the rules of its configuration: O(n). Every epoch was checked when it began; this is for
   * a group that was restored with other rules than it was stored with.
   * @throws whatever the rules refuse it with
   */
  checkRules(): Promise<void> {
    return this.#exclusive(async () => {
      const { current, config } = this.readable()
      const { context, tree } = current
      await config.rules?.checkGroup(ruleGroup(context, tree, context.extensions), { pause: config.pause })
    })
  }

  /** Forgets past epochs that are beyond the bounds by now (R08); else that happens with the next message. */
  expire(): void {
    this.#state = { ...this.#state, past: retainEpochs(this.#state.past, this.#state.config) }
  }

  /** Wipes the secrets; every later call is refused with `group/closed`. */
  close(): void {
    if (this.#state.status === 'closed') return
    wipeState(this.#state)
    if (this.#state.pending !== undefined) discardStaged(this.#state.pending)
    this.#state = { ...this.#state, status: 'closed', past: [], pending: undefined, proposals: ProposalCache.empty }
  }

  #stage(
    message: Uint8Array,
    finish: (result: ReceiveResult) => ReceiveResult,
  ): ReceiveResult | Promise<ReceiveResult> {
    return this.#swap({
      work: (state) => stageMessage(state, message, (id) => this.#psk(id)),
      apply: ({ result, proposals, opened }) => {
        if (result.kind === 'commit') {
          if (opened !== undefined) this.#onMerge.set(result.staged, opened)
          return finish(result)
        }
        opened?.accept()
        const past = retainEpochs(this.#state.past, this.#state.config)
        if (proposals !== this.#state.proposals || past !== this.#state.past)
          this.#state = { ...this.#state, proposals, past }
        return finish(result)
      },
      drop: ({ result }) => {
        if (result.kind === 'commit') discardStaged(result.staged)
      },
      again: true,
    })
  }

  async #psk(id: PreSharedKeyId): Promise<Uint8Array | undefined> {
    if (id.psktype === 'external') return this.#state.config.psks.externalPsk(id.pskId)
    return this.pskOf(id) ?? this.#state.config.psks.resumptionPsk?.(id.pskGroupId, id.pskEpoch)
  }

  /** The state, while the group goes on. */
  #active(): GroupState {
    // RFC 9420 §11.2 V278
    check(this.#state.status !== 'reinitialized', 'group/closed', 'V278', 'this group was re-initialised')
    return this.readable()
  }

  /**
   * Computes on the state, then applies the result at once (R29). {@link merge} and {@link close} do not queue: what was
   * computed from a state that they replaced is dropped, and computed again or refused.
   */
  #swap<T, R>(step: Step<T, R>): R | Promise<R> {
    const state = this.#active()
    const made = step.work(state)
    // what is there at once needs no promise of its own
    return made instanceof Promise ? this.#swapLater(step, state, made) : step.apply(made)
  }

  async #swapLater<T, R>(step: Step<T, R>, { current, status }: GroupState, made: Promise<T>): Promise<R> {
    const outcome = await made.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    )
    if (this.#state.current === current && this.#state.status === status) {
      if ('error' in outcome) throw outcome.error
      return step.apply(outcome.value)
    }
    if ('value' in outcome) step.drop?.(outcome.value)
    if (step.again === true) return this.#swap(step)
    this.#active()
    throw new MlsError('group/staged', 'another epoch began during this call')
  }

  /** One call at a time (R29); a failed call does not hold up the next. */
  #exclusive<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.then(nothing, nothing)
    return result
  }
}
