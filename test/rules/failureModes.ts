// What a PKI monitor must catch: failures that really happened, or that a trusted checker looks for. `reported` is a Mozilla bug (bz), a GitHub
// issue (repository#number), or who looks for it.

export interface FailureMode {
  readonly id: string
  readonly failure: string
  readonly reported: string
}

export const FAILURE_MODES: readonly { readonly title: string; readonly modes: readonly FailureMode[] }[] = [
  {
    title: 'CRL content and schedule',
    modes: [
      mode('C01', 'past nextUpdate and still served', 'bz1914067, docker-openvpn#274'),
      mode(
        'C02',
        'overdue: the declared issuing schedule was missed while the old CRL is still valid',
        'ejbca-ce#972',
      ),
      mode('C03', "thisUpdate older than the policy's age limit", 'boulder crl checker'),
      mode('C04', 'thisUpdate in the future', 'blackbox_exporter#1583'),
      mode('C05', 'entries vanish before their certificate expired', 'bz1954861, bz1954889, boulder#6436'),
      mode('C06', 'empty or much smaller CRL published', 'boulder#6456, #8984, #6438'),
      mode(
        'C07',
        'CRL number does not increase, or repeats with other content',
        'boulder crl storer; BR 7.2.2',
      ),
      mode('C08', 'gap in the CRL number sequence (a CRL nobody saw)', 'Ascertia CRL monitor'),
      mode('C09', 'CRL number missing, critical, or 2^159 and above', 'zlint, pkilint'),
      mode('C10', "another CA's CRL at this distribution point", 'bz2048626'),
      mode('C11', "issuer name encoded differently from the CA's subject", 'SSLMate CRL Watch'),
      mode('C12', 'signature does not verify (key roll-over)', 'crlite#10'),
      mode(
        'C13',
        'issuingDistributionPoint missing on a partitioned CRL, or not naming the fetched URL',
        'boulder CRL and CCADB probers',
      ),
      mode('C14', 'issuingDistributionPoint changed between versions', 'boulder crl storer'),
      mode('C15', 'nextUpdate minus thisUpdate beyond the policy', 'zlint, pkilint'),
      mode('C16', 'one serial twice in a CRL', 'bz1943379'),
      mode('C17', 'one serial on two partitions', 'boulder CCADB prober'),
      mode('C18', 'partition missing, undisclosed, or a gap in their numbering', 'boulder#8876, bz2007116'),
      mode('C19', 'reason codes disappear after a change', 'bz1794047'),
      mode('C20', 'prohibited reason code (unspecified, certificateHold where not allowed)', 'bz1914419'),
      mode('C21', 'CRL and OCSP disagree on status, date or reason', 'boulder#8096'),
      mode('C22', 'revocationDate after thisUpdate or in the future', 'servercert#648, krill#788'),
      mode('C23', 'revocationDate or reason changes later (other than to keyCompromise)', 'boulder#6436'),
      mode('C24', 'a revoked certificate is absent after the publication deadline', 'crl-monitor, bz1650845'),
      mode('C25', "a serial listed that the CA's audit log never revoked", 'crl-monitor'),
      mode(
        'C26',
        'v1, no authority key identifier, empty entry list, duplicate extensions, inner and outer algorithm differ, unknown critical extension',
        'zlint, pkilint, RFC 5280',
      ),
      mode('C27', 'delta CRL expired, or its base is not the published one', 'AD CS recovery notes'),
      mode('C28', "CRL larger than the reader's limit: cut or dropped silently", 'blackbox_exporter (10 MB)'),
      mode('C29', 'mass revocation: the count jumps', 'CA incident reports'),
    ],
  },
  {
    title: 'CRL delivery',
    modes: [
      mode('D01', 'distribution point answers 404 or 5xx', 'bz1800405'),
      mode(
        'D02',
        'one address of several serves an old or different CRL',
        'bz1985307, blackbox_exporter#473',
      ),
      mode('D03', 'HTTP cache lifetime reaches past nextUpdate', 'EUGridPMA fetch-crl'),
      mode('D04', 'caching delays a new CRL beyond the policy', 'bz1775454'),
      mode('D05', 'wrong media type', 'bz2012511'),
      mode('D06', 'PEM or base64 instead of DER', 'bz530356'),
      mode('D07', "URL inside certificates is not the inventory's URL", 'bz2007297, bz1964167'),
      mode('D08', 'LDAP and HTTP copies differ', 'Keyfactor documentation'),
      mode(
        'D09',
        'redirect loop, truncated body, decompression bomb, endless body, slow drip',
        'hostile server',
      ),
    ],
  },
  {
    title: 'OCSP',
    modes: [
      mode('O01', 'responder unreachable or slower than the timeout (2 s by default)', 'Apple 2020-11-12'),
      mode('O02', 'unknown for an issued certificate', 'bz1957140, bz2050383'),
      mode('O03', 'unauthorized or tryLater', 'bz2014590, bz1577652'),
      mode('O04', 'good for a serial that was never issued', 'crt.sh ocsp_monitor, Dogtag documentation'),
      mode('O05', 'one-byte or malformed body with HTTP 200', 'bz1577014'),
      mode('O06', 'HTTP 404 for a subset', 'bz1773556'),
      mode('O07', 'response older than the refresh policy but not expired', "Let's Encrypt 2020-09-08"),
      mode('O08', 'nextUpdate missing or too far away', 'bz1878106'),
      mode(
        'O09',
        'responder certificate expires before the response does, or soon',
        'Symantec 2017, caddy#1922',
      ),
      mode(
        'O10',
        'responder certificate without OCSPSigning, without ocsp-nocheck, or not issued by the CA',
        'zlint#472, #1002',
      ),
      mode('O11', 'CA certificate carries OCSPSigning', 'DigiCert 2020-07'),
      mode('O12', 'response signed with SHA-1 or another retired algorithm', 'Mozilla policy list 2017'),
      mode(
        'O13',
        'GET and POST disagree; a path with `/` or `+` fails; SHA-256 CertID refused',
        'crt.sh ocsp_monitor',
      ),
      mode('O14', 'response does not cover the certificate that was asked for', 'Firefox error reports'),
      mode('O15', 'thisUpdate after producedAt, or in the future', 'zlint'),
      mode('O16', 'some nodes expired or tryLater', 'Wikimedia 2015-08-20'),
      mode('O17', 'nonce not echoed where required, or a replayed response', 'RFC 9654'),
      mode('O18', 'signature does not verify, or a key that was not delegated', 'RFC 6960'),
      mode('O19', 'OCSP withdrawn while certificates still name it', "Let's Encrypt 2025-08-06, bz1968836"),
      mode(
        'O20',
        "cache serves a response past its nextUpdate (Dogtag's in-memory issuing-point cache is a known way)",
        'Dogtag architecture',
      ),
    ],
  },
  {
    title: 'TLS endpoints and deployed certificates',
    modes: [
      mode('T01', 'an intermediate expires before the leaf', 'uptime-kuma#2593'),
      mode('T02', 'cross-signed chains: the wrong expiry is reported', 'blackbox_exporter#340, #637'),
      mode(
        'T03',
        'renewed but the old certificate is still served, on one address or all',
        'blackbox_exporter#473, #963, #1378',
      ),
      mode(
        'T04',
        "mutual TLS not enforced: no certificate, or a foreign CA's certificate, is accepted",
        'blackbox_exporter#1674; per-service trust zones',
      ),
      mode('T05', 'staple missing, stale, or revoked', 'ssl_exporter#52'),
      mode('T06', 'key exchange falls back from hybrid post-quantum to classical', 'blackbox_exporter#1654'),
      mode('T07', "the prober's own client certificate expires", 'blackbox_exporter#573'),
      mode('T08', 'AIA issuer certificate missing, wrong type, wrong name', 'boulder#8593'),
      mode(
        'T09',
        'remaining lifetime below policy (absolute, and relative to the lifetime)',
        'blackbox_exporter#1083, #1386',
      ),
      mode('T10', 'lifetime beyond the policy in force on the day it was issued', 'BR 6.3.2'),
      mode(
        'T11',
        'identity does not match; wildcard or over-broad identity where the policy forbids it',
        'Digital Rebar trust zones',
      ),
      mode('T12', 'weak key, curve, signature or protocol version', 'NIST SP 800-57, SP 800-52'),
      mode('T13', 'chain incomplete, out of order, or to another root than declared', 'testssl'),
      mode(
        'T14',
        "the certificate served was never issued according to the CA's audit log (shadow issuance)",
        'DigiNotar class',
      ),
      mode('T15', 'a revoked certificate is served', 'uptime-kuma#1254'),
      mode(
        'T16',
        'one key in several services; a key reused across renewals where policy forbids it',
        'BR 6.1.1.3, 9.6.3',
      ),
    ],
  },
  {
    title: 'Audit log and control plane',
    modes: [
      mode(
        'L01',
        'sequence gap, time going backwards, or a silent source (no events within its usual interval)',
        'EJBCA integrity-protected log',
      ),
      mode('L02', 'the log file is truncated, rewritten or replaced with other content', 'audit practice'),
      mode('L03', 'a signed audit log segment does not verify (Dogtag AUDIT_LOG_SIGNING)', 'Dogtag'),
      mode('L04', 'failed authentications in a burst', 'the users of this product'),
      mode(
        'L05',
        'unauthorized admin attempt; administrator from an unknown issuer',
        'the users of this product',
      ),
      mode('L06', 'policy violation: profile or key parameters rejected', 'the users of this product'),
      mode(
        'L07',
        'configuration, role, profile, crypto token or key change outside a change window',
        'audit practice',
      ),
      mode(
        'L08',
        'issuance in the log but the certificate is nowhere in the inventory, and the reverse',
        'GTS case list',
      ),
      mode(
        'L09',
        'CA, crypto token or publisher errors in the server log; publisher queue grows',
        'EJBCA server log',
      ),
      mode(
        'L10',
        'clones disagree (CRL number, serial range, OCSP answers); serial range nearly used up',
        'Dogtag architecture',
      ),
      mode(
        'L11',
        'a scheduled control-plane job did not run, failed, or ran twice',
        'Dagster, Dogtag, certctl',
      ),
      mode('L12', 'control-plane asset says deployed, the wire says otherwise', 'Dagster asset model'),
      mode('L13', 'remediation ran, and the failure is still on the wire', 'alertmanager#3129'),
    ],
  },
  {
    title: 'The monitor itself',
    modes: [
      mode(
        'M01',
        'a series disappears when the certificate expires, and the alert with it',
        'blackbox_exporter#1119',
      ),
      mode('M02', 'a default value means good', 'ssl_exporter#143, check_ssl_cert#227, openssl#32367'),
      mode(
        'M03',
        'Alertmanager or the webhook receiver is down: alerts are queued, retried, and their absence is visible',
        'prometheus#11741',
      ),
      mode('M04', 'clock of the monitor is wrong', 'operations'),
      mode(
        'M05',
        'disk full, database locked, Elasticsearch down or read-only: nothing acknowledged is lost',
        'operations',
      ),
      mode(
        'M06',
        'a probe stops being scheduled: freshness of every subject is itself a finding',
        'operations',
      ),
      mode('M07', 'the always-firing watchdog alert stops', 'kube-prometheus convention'),
    ],
  },
]

function mode(id: string, failure: string, reported: string): FailureMode {
  return { id, failure, reported }
}
