/** The signed size and root hash of a journal (C2SP tlog-checkpoint). */
export interface Checkpoint {
  /** Origin line: `<origin>/<epoch>`. */
  readonly origin: string
  /** Entries that it covers. */
  readonly size: number
  /** SHA-256 root (RFC 6962 section 2.1) in lower-case hex. */
  readonly root: string
  /** The signed note as it stands in the file. */
  readonly text: string
}
