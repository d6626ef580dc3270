/** A distinguished name. */
export interface Name {
  /** The whole Name SEQUENCE as it was encoded. */
  readonly der: Uint8Array
  /** RFC 4514, most specific first: `CN=Issuing CA 1,O=Example PKI,C=SE`. */
  readonly text: string
}
