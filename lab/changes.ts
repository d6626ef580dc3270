/** What ends all drafting: the octets that are published or sent, or a sign that everything is done. */
type Ending = Uint8Array | symbol

/** What a fault does to something that would be right otherwise: gives another draft of it, or what ends all drafting. */
export type Change<Draft, Final, About> = (
  draft: Draft,
  about: About,
) => Draft | Final | Promise<Draft | Final>

/** The changes that are switched on, each made to what the one before it gave. */
export class Changes<Draft extends object, Final extends Ending, About> {
  readonly #on = new Set<Change<Draft, Final, About>>()

  /** Returns what takes it back. */
  add(change: Change<Draft, Final, About>): () => void {
    // One function may be switched on twice.
    const own: typeof change = (draft, about) => change(draft, about)
    this.#on.add(own)
    return () => this.#on.delete(own)
  }

  async apply(draft: Draft, about: About): Promise<Draft | Final> {
    for (const change of this.#on) {
      const changed = await change(draft, about)
      if (!isDraft(changed)) return changed
      draft = changed
    }
    return draft
  }
}

/** The change on one node only, of those that have the same name. */
export function onlyAt<Draft, Final, About extends { readonly address: string }>(
  address: string,
  change: Change<Draft, Final, About>,
): Change<Draft, Final, About> {
  return (draft, about) => (about.address === address ? change(draft, about) : draft)
}

function isDraft<Draft extends object>(value: Draft | Ending): value is Draft {
  return typeof value !== 'symbol' && !(value instanceof Uint8Array)
}
