// Records, what the product makes of them, and what an index holds: brought to one shape, so that they can be compared.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { z } from 'zod'
import { ejbca } from '../../collectors/formats/ejbca.ts'
import { parseLog } from '../../collectors/parse.ts'
import { toTimestamp } from '../../model/time.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'

export function recorded(name: 'audit.log' | 'server.log'): Buffer {
  return readFileSync(new URL(`../fixtures/ejbca-real/${name}`, import.meta.url))
}

/** The product's own events of a whole log file. */
export async function productEvents(bytes: Uint8Array): Promise<AuditEvent[]> {
  const events: AuditEvent[] = []
  for await (const batch of parseLog([bytes], { format: ejbca, source: 'any', now: () => 0 }))
    events.push(...batch)
  return events
}

/** The product's own event of one record. */
export function productEvent(record: string): AuditEvent {
  const bytes = Buffer.from(record)
  const position = { source: 'any', fingerprint: '', offset: 0, end: bytes.length + 1 }
  return ejbca.parse({ kind: 'record', bytes, position }, { received: toTimestamp(0), authorities: [] })
}

const text = z.string()
const texts = z.array(text)

/** A document as Elasticsearch returns it. Strict: what nobody expects is found. */
export const documentSchema = z.strictObject({
  '@timestamp': text,
  event: z.strictObject({
    action: text,
    code: text.optional(),
    outcome: text,
    category: texts.optional(),
    type: texts,
    module: text,
    dataset: text,
    original: text,
    reason: text.optional(),
    id: text.optional(),
    created: text,
  }),
  error: z.strictObject({ message: text }).optional(),
  user: z.strictObject({ name: text }).optional(),
  source: z.strictObject({ ip: text }).optional(),
  message: text.optional(),
  pki: z
    .strictObject({
      caId: text.optional(),
      caName: text.optional(),
      caSubject: text.optional(),
      profile: text.optional(),
      serial: text.optional(),
      subject: text.optional(),
      username: text.optional(),
      key: text.optional(),
      revocationReason: z.number().optional(),
      crlNumber: text.optional(),
      fingerprint: text.optional(),
      details: z.record(text, text).optional(),
    })
    .optional(),
  position: z.strictObject({ source: text }).optional(),
  log: z
    .strictObject({
      offset: z.number(),
      flags: texts.optional(),
      file: z.strictObject({ path: text, fingerprint: text }),
    })
    .optional(),
  host: z.strictObject({ name: text }).optional(),
  agent: z.strictObject({ id: text, name: text, type: z.literal('filebeat'), version: text }).optional(),
  ecs: z.strictObject({ version: text }).optional(),
})
export type Document = z.infer<typeof documentSchema>

/**
 * What both must say alike. Left out of the product's event: `position`, because Filebeat tells only where the last line began (its
 * own `log.*`), and the time of records that bear none, which is when each of the two read them (`read`). Left out of the document:
 * what Filebeat adds about itself, `event.id`, `event.created`, and `error.message`, which repeats `event.reason`. Elasticsearch can't decode certificates.
 */
export function comparable(of: AuditEvent | Document, read: string): unknown {
  const { action, code, outcome, category, type, module, dataset, original, reason } = of.event
  return {
    '@timestamp': of['@timestamp'] === read ? 'when it was read' : of['@timestamp'],
    event: { action, code, outcome, category, type, module, dataset, original, reason },
    user: of.user,
    source: of.source,
    message: of.message,
    pki: of.pki && { ...of.pki, sha256: undefined },
  }
}

/** When `productEvent` and `productEvents` read. */
export const READ = toTimestamp(0)

const HEAD = '2026-11-22 05:01:17+00:00;'
const PREFIX = '2026-11-22 05:01:17,145 INFO  [org.cesecore.audit.impl.log4j.Log4jDevice] (default task-1) '

/** By name what each of them tries. */
export const HOSTILE: Readonly<Record<string, string>> = {
  empty: '',
  noise: 'at org.ejbca.Some.method(Some.java:1)',
  'no fields': `${HEAD}CERT_CREATION;SUCCESS;CERTIFICATE;CORE;`,
  'three fields': `${HEAD}CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2`,
  'no details': `${HEAD}CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;0A;bob`,
  'unknown event type': `${HEAD}NEW_IN_9_9;VOID;NEW;CORE;a;;;;msg=x`,
  'no such day': '2026-02-31 05:01:17+00:00;CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2;3;msg=x',
  'no such offset': '2026-02-21 05:01:17+24:00;CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2;3;msg=x',
  'widest offset': '2026-02-21 05:01:17-23:59;CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2;3;msg=x',
  'offset over midnight': '2026-03-01 00:30:00+01:00;CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2;3;msg=x',
  'year zero': '0000-01-01 00:00:00+00:00;CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2;3;msg=x',
  'last year': '9999-12-31 00:00:00+00:00;CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2;3;msg=x',
  'semicolons in the token': `${HEAD}AUTHENTICATION;FAILURE;AUTHENTICATION;CORE;CN=a;OU=b;x;-123;0aF;bob;msg=x;y;z=1`,
  'semicolons everywhere': `${HEAD}AUTHENTICATION;FAILURE;AUTHENTICATION;CORE;${';'.repeat(5000)}`,
  'a detail twice': `${HEAD}CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2;3;subjectdn=CN=a;subjectdn=CN=b;subjectdn=c;msg=m`,
  'the message twice': `${HEAD}CERT_REVOKED;FAILURE;CERTIFICATE;CORE;a;1;2;3;msg=m;msg=n`,
  'empty values': `${HEAD}CERT_CREATION;FAILURE;CERTIFICATE;CORE;;;;;msg=;subjectdn=;remoteip=;reason=`,
  'details that are named as our own': `${HEAD}CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;zz;3;module=x;customId=y;detail1=z;fingerprint=w`,
  'words of objects': `${HEAD}CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2;3;constructor=x;toString=y;hasOwnProperty=z;a.b.c=1;a.b=2`,
  base64: `${HEAD}RA_EDITENDENTITY;SUCCESS;RA;EJBCA;a;1;;3;name=B64:SsO8cmdlbg==;x=B64:SsO8cmdlbg;y=B64:/w==;z=B64:A;w=B64:;v=B64:????;u=B64:Sg=;t=B64:Sv==`,
  'base64 of what ends amid a character': `${HEAD}RA_EDITENDENTITY;SUCCESS;RA;EJBCA;a;1;;3;a=B64:8J+Y;b=B64:w6;c=B64:77+9;d=B64:7aCA`,
  addresses: `${HEAD}CA_USERAUTH;SUCCESS;CA;EJBCA;a;1;2;3;remoteip=2001:db8::1`,
  'a network for an address': `${HEAD}CA_USERAUTH;SUCCESS;CA;EJBCA;a;1;2;3;remoteip=10.0.0.0/8`,
  'a name for an address': `${HEAD}CA_USERAUTH;SUCCESS;CA;EJBCA;a;1;2;3;remoteip=localhost`,
  'an address with leading zeros': `${HEAD}CA_USERAUTH;SUCCESS;CA;EJBCA;a;1;2;3;remoteip=010.0.0.1`,
  'serial numbers': `${HEAD}CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;00000AbC;3;msg=x`,
  'serial number zero': `${HEAD}CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;000;3;msg=x`,
  'issued revoked': `${HEAD}CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2;3;issuancerevocationreason=6`,
  'not issued revoked': `${HEAD}CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2;3;issuancerevocationreason=-1`,
  'a CRL that failed': `${HEAD}CRL_CREATION;FAILURE;CRL;CORE;a;1;;;msg=Error creating CRL for CA Issuing, message: no`,
  'a CRL of a quoted CA': `${HEAD}CRL_CREATION;SUCCESS;CRL;CORE;a;1;;;msg=Created CRL with number 7 for CA 'O'Neil' with DN 'CN=O'Neil,C=IE'.`,
  'a stored CRL without end': `${HEAD}CRL_STORED;SUCCESS;CRL;CORE;a;1;;;msg=Stored CRL with CRLNumber=1, fingerprint=${'a'.repeat(40)}, issuerDN 'x`,
  'a CA that is called added': `${HEAD}CA_EDITING;SUCCESS;CA;CORE;a;1;;;msg=CA with id 1 and name a added b edited, 1`,
  'a subject that ends early': `${HEAD}CERT_REVOKED;SUCCESS;CERTIFICATE;CORE;a;1;2F;bob;msg=Revoked for username 'bob', fp=${'a'.repeat(40)}, revocationReason=1, subjectDN 'CN=x', issuerDN 'CN=fake', serialNo=1', issuerDN 'CN=CA', serialNo=2F.`,
  'a user that nobody names': `${HEAD}CERT_REVOKED;SUCCESS;CERTIFICATE;CORE;a;1;2F;eve;msg=Revoked for username 'bob', fp=x`,
  'a token by name': `${HEAD}CRYPTOTOKEN_GEN_KEYPAIR;SUCCESS;CRYPTOTOKEN;CORE;a;-9;;;tokenName=T;keyAlias=k`,
  'a token without name': `${HEAD}CRYPTOTOKEN_GEN_KEYPAIR;SUCCESS;CRYPTOTOKEN;CORE;a;;;;keyAlias=k`,
  'a denied right': `${HEAD}ACCESS_CONTROL;FAILURE;ACCESSCONTROL;CORE;a;;;;resource0=/x`,
  'a carriage return': `${HEAD}CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2;3;msg=x\r`,
  'line feeds and controls': `${PREFIX}${HEAD}CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a\u0000\u001b[31m;1;2;3;msg=x\n\ny\u2028\u0085;z=\${jndi:ldap://x}<script>`,
  'beyond the first plane': `${PREFIX}${HEAD}RA_ADDENDENTITY;SUCCESS;RA;EJBCA;CN=😀;1;;😀;msg=😀;name=😀`,
  'a console line': '05:01:17,145 WARN  [org.ejbca] (main) hello',
  'a server error': `2026-11-22 05:01:17,145 ERROR [org.ejbca.Some] (default (task) 1) failed;a=b\n\tat x`,
  'a server line of no day': '2026-13-01 05:01:17,145 FATAL [org.ejbca.Some] (t) x',
  'a prefix without message': PREFIX,
  'a thread over lines': '2026-11-22 05:01:17,145 INFO  [a] (x\ny) z',
  'a key of 200 characters': `${HEAD}CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2;3;${'k'.repeat(200)}=v;${'l'.repeat(201)}=w`,
  'many details': `${HEAD}CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2;3${Array.from({ length: 1200 }, (_, i) => `;k${i}=v`).join('')}`,
  'a long value': `${HEAD}CERT_CREATION;SUCCESS;CERTIFICATE;CORE;${'u'.repeat(40_000)};1;2;3;msg=${'m'.repeat(100_000)};long=${'v'.repeat(40_000)}`,
}

/** Recorded records with pieces put in or taken out at random, always the same ones. */
export function mutations(records: readonly string[], count: number): string[] {
  const pieces = [
    ';',
    '=',
    ';msg=',
    ';x=B64:',
    '\n',
    '\r',
    "'",
    "', issuerDN '",
    ', serialNo=',
    ' ',
    '0',
    'F',
    '-',
    'é',
    ';remoteip=::1',
  ]
  const edit = fc.tuple(fc.integer({ min: 0, max: 999 }), fc.nat(30), fc.constantFrom('', '', ...pieces))
  const mutated = fc.tuple(fc.constantFrom(...records), fc.array(edit, { minLength: 1, maxLength: 4 }))
  return fc.sample(mutated, { seed: 20261122, numRuns: count }).map(([record, edits]) =>
    edits.reduce((text, [where, length, piece]) => {
      const at = Math.floor((where / 1000) * text.length)
      return text.slice(0, at) + piece + text.slice(piece === '' ? at + length : at)
    }, record),
  )
}
