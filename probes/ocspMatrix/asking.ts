import type { Artifact } from '../../model/observation.ts'
import type { Deadline } from '../fetch/deadline.ts'
import { inquireOcsp, type OcspForm, type OcspInquiry } from '../ocspInquiry.ts'
import type { OcspMatrixTarget, ProbeContext } from '../probe.ts'

/** A question has a tenth of the run's time at most: one that hangs leaves time for the others. */
const QUESTION_SHARE = 10
/** Answers that are kept as evidence of one run. */
const MAX_EVIDENCE = 8

/** As every responder understands it. */
const POST: OcspForm = { transport: 'post', hash: 'sha1', nonce: undefined }

/** Asks one responder one thing after another, while there is time. */
export class Asking {
  readonly target: OcspMatrixTarget
  readonly context: ProbeContext
  readonly deadline: Deadline
  /** Of the responder's host, where nothing else is said. */
  readonly #address: string
  readonly #evidence: Artifact[] = []

  constructor(target: OcspMatrixTarget, context: ProbeContext, deadline: Deadline, address: string) {
    this.target = target
    this.context = context
    this.deadline = deadline
    this.#address = address
  }

  /** undefined: there was no time. */
  async ask(serial: string, form = POST, address = this.#address): Promise<OcspInquiry | undefined> {
    if (this.deadline.signal.aborted) return undefined
    using share = this.deadline.share(QUESTION_SHARE)
    const { url, issuer } = this.target
    const inquiry = await inquireOcsp({ url, issuer, serial, form, address }, this.context, share)
    // Cut short by the end of the run, which says nothing about the responder.
    return inquiry.error?.code === 'timeout' && this.deadline.remaining === 0 ? undefined : inquiry
  }

  /** Something is wrong with this answer: its octets go into the journal. */
  keep({ artifacts }: OcspInquiry): void {
    this.#evidence.push(...artifacts.slice(0, MAX_EVIDENCE - this.#evidence.length))
  }

  get evidence(): readonly Artifact[] {
    return this.#evidence
  }
}
