// What a CA's log says otherwise than what the CA publishes.
import { ADMINISTRATORS } from '../ejbcaEvents.ts'
import type { CaFault } from './fault.ts'

const DAY_MS = 86_400_000
/** CRLReason superseded (RFC 5280 section 5.3.1). */
const SUPERSEDED = 4
/** A serial number that no CA of the lab gives. */
const STRANGE_SERIAL = '10571057'

export const RECONCILIATION_FAULTS: readonly CaFault[] = [
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
    apply: async ({ authority, distributionPoint }) => {
      const undo = authority.changeCrls((request, { part }) =>
        part.kind === 'delta'
          ? request
          : {
              ...request,
              revoked: [
                ...request.revoked,
                { serial: STRANGE_SERIAL, at: request.thisUpdate, reason: SUPERSEDED },
              ],
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
]
