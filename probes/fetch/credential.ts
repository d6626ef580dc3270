/** What a client shows of itself: its certificate with the chain to send after it, and the private key. PEM; may be another at the next look. */
export interface Credential {
  readonly certificate: string
  readonly key: string
}
