import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseCertificate } from '../../pki/certificate.ts'
import { inventorySchema } from '../../model/config.ts'
import type { Facts } from '../../model/facts.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Issuer } from '../../probes/probe.ts'
import { calendar, type CalendarEntry, type CalendarInput, type KnownTarget } from '../../rules/calendar.ts'
import { parsePack } from '../../rules/pack.ts'
import { entity } from '../probes/pki.ts'
import { DAY, HOUR, START } from './journalDouble.ts'

const INVENTORY = inventorySchema.parse({
  authorities: [
    { id: 'root', class: 'offline', certificate: 'root.pem' },
    { id: 'issuing-1', issuer: 'root', certificate: 'issuing-1.pem' },
  ],
  services: [{ id: 'shop', endpoint: 'shop.test:443', issuer: 'issuing-1' }],
})

async function issuer(id: string, notBefore: number, notAfter: number): Promise<[string, Issuer]> {
  const { certificate } = await entity({
    subject: `CN=${id}`,
    notBefore,
    notAfter,
  })
  return [
    id,
    {
      id,
      class: id === 'root' ? 'offline' : 'online',
      certificate: parseCertificate(certificate),
      ancestors: [],
    },
  ]
}

const ISSUERS = new Map([
  await issuer('root', START - 3650 * DAY, START + 3650 * DAY),
  await issuer('issuing-1', START - 365 * DAY, START + 1460 * DAY),
])

function served(notAfter: number, facts: Facts = { tls: { pathValid: true } }): KnownTarget {
  const certificate = {
    serial: 'abcd',
    issuer: 'CN=issuing-1',
    notBefore: toTimestamp(notAfter - 90 * DAY),
    notAfter: toTimestamp(notAfter),
    identities: ['shop.test'],
  }
  return {
    subject: 'service_tls_health[shop,prod]',
    probe: 'tls',
    target: 'shop.test:443',
    facts: { certificate, ...facts },
  }
}

function entries(part: Partial<CalendarInput>, days = 4000): readonly CalendarEntry[] {
  const input = {
    inventory: INVENTORY,
    issuers: ISSUERS,
    known: [],
    packs: [],
    parameters: {},
    waivers: [],
    ...part,
  }
  return calendar(input, START, START + days * DAY)
}

const shown = (found: readonly CalendarEntry[]): readonly string[] =>
  found.map(({ at, kind, subject }) => `${toTimestamp(at).slice(0, 10)} ${kind} ${subject}`)
const day = (days: number): string => toTimestamp(START + days * DAY).slice(0, 10)

describe('the calendar', () => {
  it('has each authority renewed before what it issues would outlive it', () => {
    const found = entries({ known: [served(START + 30 * DAY)] })
    assert.deepEqual(shown(found), [
      `${day(30)} certificate_expires service_tls_health[shop,prod]`,
      `${day(1460 - 90)} ca_renewal intermediate_ca_cert[issuing-1]`,
      `${day(1460)} ca_expires intermediate_ca_cert[issuing-1]`,
      `${day(3650 - 1825)} ca_renewal intermediate_ca_cert[root]`,
      `${day(3650)} ca_expires intermediate_ca_cert[root]`,
    ])
    assert.equal(
      found[1]?.summary,
      'Intermediate CA issuing-1 has to be renewed: what it issues for 90d from then on would outlive it',
    )
  })

  it('learns nothing about an authority from a certificate that it did not issue', () => {
    const found = entries({ known: [served(START + 30 * DAY, { tls: { pathValid: false } })] })
    assert.deepEqual(
      found.filter(({ kind, subject }) => kind === 'ca_renewal' && subject.includes('issuing-1')),
      [],
    )
  })

  it('keeps what has ended and is still served, and looks no further than asked', () => {
    assert.deepEqual(shown(entries({ known: [served(START - DAY)] }, 1)), [
      `${day(-1)} certificate_expires service_tls_health[shop,prod]`,
    ])
    assert.equal(entries({ known: [served(START + DAY)] }, 1).length, 1)
    assert.equal(entries({ known: [served(START + DAY + 1)] }, 1).length, 0)
  })

  it("has the prober's own certificate beside the one that it was shown for", () => {
    const prober = {
      configured: true,
      subject: 'CN=prober',
      serial: '5eed',
      notAfter: toTimestamp(START + DAY),
    }
    const found = entries({ known: [served(START + 2 * DAY, { prober })] }, 3)
    assert.deepEqual(
      found.map(({ summary }) => summary),
      ['Certificate that the prober shows to shop.test:443 expires', 'Certificate of shop.test:443 expires'],
    )
    assert.equal(found[0]?.detail, 'CN=prober, serial 5eed')
    assert.equal(
      entries({ known: [served(START + 2 * DAY, { prober: { configured: false } })] }, 3).length,
      1,
    )
  })

  it('has delegated OCSP signers, CRLs of offline authorities, and statements', () => {
    const at = (ms: number): string => toTimestamp(START + ms)
    const ocsp = { responder: 'CN=signer', responderNotAfter: at(20 * DAY) }
    const about = { subject: 'ocsp_responder_status[issuing-1]', probe: 'ocsp' } as const
    const crl = (id: string): KnownTarget => ({
      subject: `ca_crl[${id}]`,
      probe: 'crl',
      target: `http://crl.test/${id}.crl`,
      facts: { crl: { nextUpdate: at(40 * DAY), thisUpdate: at(0), number: '7' } },
    })
    const found = entries(
      {
        known: [
          { ...about, target: 'a', facts: { ocsp: { ...ocsp, responderDelegated: true } } },
          { ...about, target: 'b', facts: { ocsp: { ...ocsp, responderDelegated: false } } },
          crl('root'),
          crl('issuing-1'),
          {
            subject: 'pki_governance',
            probe: 'attestation',
            target: 'cps_review',
            facts: { attestation: { by: 'jane', statement: 'done', expires: at(60 * DAY) } },
          },
          {
            subject: 'pki_governance',
            probe: 'attestation',
            target: 'directory',
            facts: { attestation: { files: 1 } },
          },
        ],
      },
      100,
    )
    assert.deepEqual(
      found.map(({ kind, summary }) => `${kind}: ${summary}`),
      [
        'ocsp_signer_expires: Certificate of the OCSP signer of issuing-1 expires',
        'crl_ceremony: Offline authority root: its next CRL must be out',
        'attestation_expires: Statement cps_review about pki_governance expires',
      ],
    )
  })

  it('has what changes by date in the packs in force, with the values of the configuration, and waivers', () => {
    const pack = parsePack(
      `schema: 1
id: own
version: 1.0.0
title: Own
rules:
  - id: validity
    title: Short lives
    rationale: A test.
    source: { document: TLS BR, version: 2.2.6, section: '6.3.2', basis: standard }
    effective: { from: 2020-01-01, until: 2028-01-01 }
    applies_to: { subjects: [deployed_service_cert] }
    parameters: { most: [{ value: 398d }, { value: 100d, from: 2027-03-15 }], least: [{ value: 1d }, { value: 2d, from: 2027-04-01 }] }
    condition: certificate.notAfter - certificate.notBefore <= parameters.most && parameters.least == parameters.least
    summary: x
    severity: warning
`,
      'own.yaml',
    )
    const waivers = [
      { rule: 'validity', subject: '*', owner: 'jane', reason: 'moving', expires: START + HOUR },
      { rule: 'validity', subject: 'x', owner: 'jane', reason: 'moved', expires: START - HOUR },
    ]
    const parameters = {
      validity: {
        least: [
          { value: '1d', from: undefined },
          { value: '3d', from: Date.parse('2027-05-01') },
        ],
      },
    }
    const found = entries({ packs: [pack], waivers, parameters }, 500)
    assert.deepEqual(
      found.map(({ at, summary, detail }) => `${toTimestamp(at).slice(0, 10)} ${summary} (${detail})`),
      [
        '2026-11-22 Waiver of validity for * ends (by jane: moving)',
        '2027-03-15 validity changes: most 100d (Short lives; TLS BR 2.2.6 6.3.2)',
        '2027-05-01 validity changes: least 3d (Short lives; TLS BR 2.2.6 6.3.2)',
        '2028-01-01 validity is not in force any more (Short lives; TLS BR 2.2.6 6.3.2)',
      ],
    )
  })
})
