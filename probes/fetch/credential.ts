/** What a client shows of itself: its certificate with the chain to send after it, and the private key. PEM. */
export interface Credential {
  readonly certificate: string
  readonly key: string
}
