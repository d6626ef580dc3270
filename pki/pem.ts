export interface PemBlock {
  readonly label: string
  readonly der: Uint8Array
}

/** Every PEM block (RFC 7468) in a file, in order. Throws PkiError(decode). */
export function decodePem(bytes: Uint8Array): PemBlock[] {
  throw new Error(`not built yet: ${bytes.length}`)
}

/** The certificates of a file: PEM with one or several, or one as DER. Throws PkiError(decode) when there is none. */
export function decodeCertificates(bytes: Uint8Array): Uint8Array[] {
  throw new Error(`not built yet: ${bytes.length}`)
}
