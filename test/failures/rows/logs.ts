import { HOUR, MINUTE } from '../../rules/journalDouble.ts'
import type { Row } from '../row.ts'

const subjects = ['audit_log[ejbca]']
const target = 'issuing-1'

/** A log takes nothing back: what it told is told of for a while. */
const BRIEFLY = { told_for: '30s' }
const settings = {
  rules: {
    parameters: {
      log_signed: { max_unsigned: '1m' },
      ...Object.fromEntries(
        [
          ...[
            'log_time_forward',
            'log_without_gaps',
            'log_not_cut',
            'log_signatures_valid',
            'log_understood',
            'log_no_denials',
            'log_administrator_issuers',
          ],
          ...[
            'log_no_violations',
            'log_changes_planned',
            'log_not_handled',
            'log_keys_stay',
            'log_authority_works',
          ],
        ].map((rule) => [rule, BRIEFLY]),
      ),
    },
  },
  maintenance: [
    {
      cron: '0 4 1 1 *',
      duration: '1h',
      subjects: ['audit_log[ejbca]'],
      owner: 'pki-team',
      reason: 'once a year',
    },
  ],
}

const row = (id: string, fault: string, ...rules: readonly string[]): Row => ({
  id,
  fault,
  target,
  rules,
  subjects,
  settings,
})

const signedRow = (fault: string, ...rules: readonly string[]): Row => ({
  ...row('L03', fault, ...rules),
  target: 'devices',
  subjects: ['audit_log[devices-1]'],
})

export const LOG_ROWS: readonly Row[] = [
  row('L01', 'log-time-back', 'log_time_forward'),
  row('L01', 'log-sequence-gap', 'log_without_gaps'),
  row('L02', 'log-truncated', 'log_not_cut'),
  row('L02', 'log-garbage', 'log_understood'),
  signedRow('log-signed-line-changed', 'log_signatures_valid'),
  signedRow('log-signatures-chained-wrong', 'log_signatures_valid'),
  // The first signature after a time without signs nothing of that time: it is told of, for a while, when the log is signed again.
  { ...signedRow('log-unsigned', 'log_signed'), showsAfter: 10 * MINUTE, overAfter: MINUTE },
  { ...row('L04', 'log-authentication-burst', 'log_no_authentication_burst'), overAfter: 10 * MINUTE },
  row('L05', 'log-stranger', 'log_no_denials'),
  row('L05', 'log-foreign-administrator', 'log_administrator_issuers'),
  row('L06', 'log-policy-violation', 'log_no_violations'),
  row('L07', 'log-unplanned-change', 'log_changes_planned'),
  row('L07', 'log-exported', 'log_not_handled'),
  // Keys are configuration, too.
  row('L07', 'log-key-exported', 'log_keys_stay'),
  row('L09', 'log-crl-failed', 'log_authority_works'),
  { ...row('L09', 'log-publishers-behind', 'log_publishers_keep_up'), overAfter: HOUR },
  {
    id: 'L01',
    fault: 'log-silent',
    target,
    rules: ['log_not_silent'],
    subjects,
    settings: { rules: { parameters: { log_not_silent: { max_silence: '10m' } } } },
    showsAfter: 10 * MINUTE,
  },
]
