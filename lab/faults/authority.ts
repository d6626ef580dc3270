// What can be wrong with a CA's own certificate, and with where it is published.
import { toPem } from '../issue.ts'
import type { ReplyChange } from '../reply.ts'
import type { AuthorityParts, CaFault, FaultTools, Named } from './fault.ts'

/** The repository answers otherwise where the certificates of the CA say that its own is. */
function publicationFault(
  { id, title }: Named,
  changeOf: (ca: AuthorityParts, tools: FaultTools) => ReplyChange,
): CaFault {
  return {
    id,
    title,
    group: 'authority',
    target: 'ca',
    apply: (ca, tools) => Promise.resolve(tools.repository.change(`${ca.id}.cer`, changeOf(ca, tools))),
  }
}

export const AUTHORITY_FAULTS: readonly CaFault[] = [
  publicationFault(
    { id: 'ca-certificate-missing', title: 'The certificate of the CA is not where certificates say' },
    () => (reply) => ({ ...reply, status: 404, body: Buffer.from('not found\n') }),
  ),
  publicationFault(
    { id: 'ca-certificate-wrong-type', title: 'The certificate of the CA is published as text' },
    () => (reply) => ({ ...reply, headers: { ...reply.headers, 'content-type': 'text/plain' } }),
  ),
  publicationFault(
    { id: 'ca-certificate-pem', title: 'The certificate of the CA is published in PEM' },
    () => (reply) => ({ ...reply, body: Buffer.from(toPem(reply.body, 'CERTIFICATE')) }),
  ),
  publicationFault(
    { id: 'ca-certificate-of-another', title: 'The certificate of another CA is published' },
    (ca, tools) => (reply) => ({ ...reply, body: tools.otherAuthority(ca).authority.issuer.certificate }),
  ),
]
