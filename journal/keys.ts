import type { KeyObject } from 'node:crypto'
import { loadKey, loadOrCreateKey, loadPublicKey, type KeyKind } from './key.ts'
import type { SignatureType } from './cosignature.ts'
import { verifierKey, type Signer } from './note.ts'
import { commandSigner, keySigner } from './signer.ts'

/** Ending of the file with the post-quantum key, beside the other. */
export const POST_QUANTUM_ENDING = '.ml-dsa-44'

/** What signs a journal's checkpoints. */
export interface SigningOptions {
  /**
   * PKCS#8 PEM with an Ed25519 key, outside the directory; created (mode 0600) together with the journal. Beside it, with the ending `.ml-dsa-44`, the
   * post-quantum key.
   */
  readonly keyFile: string
  /** Signs instead of the Ed25519 key in the file: an HSM. */
  readonly signCommand?: { readonly command: readonly string[]; readonly publicKeyFile: string } | undefined
}

/** Signs under the name of a log, which a new one has only after its keys were read. */
type NamedSigner = (name: string) => Signer

export interface JournalKeys {
  /** Every checkpoint. */
  readonly log: NamedSigner
  /** The checkpoint that is kept of each hour; undefined: of a journal that has no such key. */
  readonly postQuantum: NamedSigner | undefined
}

/** Keys of a new journal are made where they are missing. Throws JournalError(key). */
export async function loadKeys(
  { keyFile, signCommand }: SigningOptions,
  journal: { readonly directory: string; readonly exists: boolean; readonly hasPostQuantum: boolean },
): Promise<JournalKeys> {
  const load = (file: string, kind: KeyKind): Promise<KeyObject> =>
    journal.exists ? loadKey(file, journal.directory, kind) : loadOrCreateKey(file, kind)
  const hasPostQuantum = !journal.exists || journal.hasPostQuantum
  return {
    log:
      signCommand === undefined
        ? inProcess(await load(keyFile, 'ed25519'), 'ed25519')
        : await byCommand(signCommand),
    postQuantum: hasPostQuantum
      ? inProcess(await load(`${keyFile}${POST_QUANTUM_ENDING}`, 'ml-dsa-44'), 'ml_dsa_44_cosigner')
      : undefined,
  }
}

function inProcess(privateKey: KeyObject, type: SignatureType): NamedSigner {
  return (name) => keySigner(verifierKey(name, privateKey, type), privateKey)
}

async function byCommand({
  command,
  publicKeyFile,
}: NonNullable<SigningOptions['signCommand']>): Promise<NamedSigner> {
  const publicKey = await loadPublicKey(publicKeyFile, ['ed25519'])
  return (name) => commandSigner(verifierKey(name, publicKey), command)
}
