// The demo's PKI lives minutes, and nobody's clock is faked: short lifetimes, and policies to match.
import type { VigilYamlOptions } from '../../lab/vigilYaml.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** Lifetimes in the lab, in ms. */
export const LIFETIMES = {
  crl: 2 * MINUTE,
  crlInterval: 4 * SECOND,
  staleCrl: 0,
  service: 60 * MINUTE,
  nearExpiry: 2 * MINUTE,
  ocsp: 2 * MINUTE,
}

/** What vigil.yaml of the demo says beside the inventory; the shipped defaults are made for days and months. */
export const SETTINGS: Omit<VigilYamlOptions, 'directory'> = {
  origin: 'vigil.demo',
  vantage: 'demo',
  controlPlaneLog: 'watched',
  probes: { interval: '2s', timeout: '1500ms' },
  rules: {
    tick: '1s',
    parameters: {
      crl_freshness_ok: { max_age: '10s' },
      cert_lifetime_threshold: { min_remaining: '5m' },
      crl_available: { for: '3s', unknown_for: '20s' },
      ocsp_responder_available: { for: '3s', unknown_for: '20s' },
      tls_reachable: { for: '3s', unknown_for: '20s' },
    },
  },
  alerts: { interval: '10s' },
  remediation: {
    cool_down: '10s',
    deadline: '30s',
    policies: [
      { rule: 'crl_freshness_ok', action: 'reissue_crl' },
      { rule: 'cert_lifetime_threshold', action: 'rotate_certificate' },
      { rule: 'tls_identity_ok', action: 'rotate_certificate' },
      { rule: 'ocsp_status_good', action: 'rotate_certificate' },
    ],
  },
}

/** How long a CRL may be old in the demo, as the story tells it. */
export const MAX_CRL_AGE = '10 s'
