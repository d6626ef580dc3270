export type FollowErrorCode =
  | 'forked' // two checkpoints, both signed by the log, that contradict each other
  | 'rolled_back' // the log covers less than it did
  | 'other_log' // another log answers: a new epoch, or another origin
  | 'pruned' // what the mirror has not got yet is gone there
  | 'invalid' // what is served does not fit together, or is signed by nobody who may

/** Why a journal is not followed any further. */
export class FollowError extends Error {
  override readonly name = 'FollowError'
  readonly code: FollowErrorCode
  /** Checkpoints that show it. */
  readonly evidence: readonly string[]

  constructor(code: FollowErrorCode, message: string, evidence: readonly string[] = []) {
    super(message)
    this.code = code
    this.evidence = evidence
  }
}
