// What a CA's log says otherwise than what the CA publishes.
import { ADMINISTRATORS } from '../ejbcaEvents.ts'
import type { CaFault, ServiceFault, DogtagFault } from './fault.ts'

const DAY_MS = 86_400_000
/** CRLReason superseded (RFC 5280 section 5.3.1). */
const SUPERSEDED = 4
/** A serial number that no CA of the lab gives. */
const STRANGE_SERIAL = '10571057'

export const RECONCILIATION_FAULTS: readonly (CaFault | ServiceFault)[] = [
  {
    id: 'revocation-unpublished',
    title: 'A certificate is revoked, and is on no CRL that follows',
    group: 'reconciliation',
    target: 'ca',
    apply: async ({ authority, distributionPoint }, tools) => {
      const now = tools.now()
      const who = tools.login(ADMINISTRATORS.securityOfficer)
      const order = { notBefore: now, notAfter: now + 30 * DAY_MS, who }
      const { serial } = await authority.issue({ ...order, username: 'left-out', profile: 'tls_client' })
      authority.revoke(serial, SUPERSEDED, who)
      const undo = authority.changeCrls((request) => ({
        ...request,
        revoked: request.revoked.filter((entry) => entry.serial !== serial),
      }))
      await distributionPoint.refresh(who)
      return async () => {
        undo()
        await distributionPoint.refresh(who)
      }
    },
  },
  {
    id: 'crl-entry-unlogged',
    title: 'The CRL lists a certificate that the CA never revoked',
    group: 'reconciliation',
    target: 'ca',
    apply: async ({ authority, distributionPoint }, tools) => {
      const at = tools.now()
      const undo = authority.changeCrls((request, { part }) =>
        part.kind === 'delta'
          ? request
          : {
              ...request,
              revoked: [...request.revoked, { serial: STRANGE_SERIAL, at, reason: SUPERSEDED }],
            },
      )
      await distributionPoint.refresh(ADMINISTRATORS.scheduler)
      return async () => {
        undo()
        await distributionPoint.refresh(ADMINISTRATORS.scheduler)
      }
    },
  },
  {
    id: 'crl-unlogged',
    title: 'A CRL is published that the log of the CA knows nothing of',
    group: 'reconciliation',
    target: 'ca',
    apply: async ({ authority, distributionPoint }) => {
      const undo = authority.leaveCrlsOutOfLog()
      await distributionPoint.refresh(ADMINISTRATORS.scheduler)
      return async () => {
        undo()
        await distributionPoint.refresh(ADMINISTRATORS.scheduler)
      }
    },
  },
  {
    id: 'revocation-not-in-ocsp',
    title: 'A certificate is revoked and on the CRL, and the responder still says good',
    group: 'reconciliation',
    target: 'ca',
    apply: async ({ authority, distributionPoint, responder }, tools) => {
      const now = tools.now()
      const who = tools.login(ADMINISTRATORS.securityOfficer)
      const order = { notBefore: now, notAfter: now + 30 * DAY_MS, who }
      const { serial } = await authority.issue({ ...order, username: 'left-out', profile: 'tls_client' })
      authority.revoke(serial, SUPERSEDED, who)
      await distributionPoint.refresh(who)
      return responder.changeAnswers((answer) => ({
        ...answer,
        answers: answer.answers.map((single) =>
          single.serial === serial ? { ...single, status: 'good' } : single,
        ),
      }))
    },
  },
  {
    id: 'ocsp-revocation-unlogged',
    title: "The responder says that the service's certificate is revoked, and nobody revoked it",
    group: 'reconciliation',
    target: 'service',
    apply: (service, tools) => {
      const { responder } = tools.partsOf(service.authority.id)
      const at = tools.now()
      return Promise.resolve(
        responder.changeAnswers((answer) => ({
          ...answer,
          answers: answer.answers.map((single) =>
            single.serial === service.own.serial
              ? { ...single, status: 'revoked', at, reason: SUPERSEDED }
              : single,
          ),
        })),
      )
    },
  },
  {
    id: 'issuance-unknown',
    title: 'The CA issues a server certificate for a service that nobody declared',
    group: 'reconciliation',
    target: 'ca',
    apply: async ({ authority, distributionPoint }, tools) => {
      const now = tools.now()
      const who = tools.login(ADMINISTRATORS.registrationOfficer)
      const { serial } = await authority.issue({
        ...{ username: 'unheard-of', profile: 'tls_server', dns: ['unheard-of.lab.example'] },
        ...{ notBefore: now, notAfter: now + 30 * DAY_MS, who },
      })
      return async () => {
        authority.revoke(serial, SUPERSEDED, who)
        await distributionPoint.refresh(who)
      }
    },
  },
  {
    id: 'signer-unlogged',
    title: 'OCSP answers are signed by a delegate that the CA never issued a certificate for',
    group: 'reconciliation',
    target: 'ca',
    apply: async ({ authority, responder }, tools) => {
      const now = tools.now()
      const { der, key } = await authority.issue({
        ...{ username: `ocsp-${authority.id}`, profile: 'ocsp_signer', log: 'silent' },
        ...{ notBefore: now, notAfter: now + 30 * DAY_MS, who: ADMINISTRATORS.securityOfficer },
      })
      return responder.changeAnswers((answer) => ({ ...answer, signer: { certificate: der, key } }))
    },
  },
]

/** Two clones of a CA do what only one may. What a log says it says for ever. */
export const CLONE_FAULTS: readonly DogtagFault[] = [
  {
    id: 'clone-serial-twice',
    title: 'A clone gives a serial number that another one gave',
    group: 'reconciliation',
    target: 'dogtag',
    apply: (ca) => {
      const [first, second] = ca.clones
      ca.enrol(second, first.next - 1n)
      return Promise.resolve(() => undefined)
    },
  },
  {
    id: 'clone-serial-outside',
    title: 'A clone gives a serial number outside its range',
    group: 'reconciliation',
    target: 'dogtag',
    apply: (ca) => {
      const [first, second] = ca.clones
      ca.enrol(second, first.range[1])
      return Promise.resolve(() => undefined)
    },
  },
  {
    id: 'clone-makes-crls',
    title: 'A second clone makes CRLs, too',
    group: 'reconciliation',
    target: 'dogtag',
    apply: (ca) => {
      ca.makeCrl(ca.clones[1], 1n)
      return Promise.resolve(() => undefined)
    },
  },
]
