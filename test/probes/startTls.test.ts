import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createSecureContext, TLSSocket } from 'node:tls'
import { toPem } from '../../lab/issue.ts'
import type { ProbeErrorCode } from '../../probes/observe.ts'
import type { StartTlsProtocol } from '../../probes/fetch/startTls.ts'
import { probeTls } from '../../probes/tls.ts'
import { declared, entity } from './pki.ts'
import { bounded, failedIn, impatient, listen, succeeded, tlsTarget } from './support.ts'

const ca = await entity({ subject: 'Issuing 1' })
const shop = await entity({ subject: 'shop', profile: 'tls_server', issuer: ca, dns: ['shop.example'] })
const issuer = declared('issuing-1', ca)
const secureContext = createSecureContext({
  cert: toPem(shop.certificate, 'CERTIFICATE'),
  key: shop.key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
})

const LDAP_OK = Buffer.from('300c02010178070a010004000400', 'hex')
/** As OpenLDAP writes it: lengths of four octets, and the name of the answer. */
const OPENLDAP_OK = Buffer.from('308400000010020101788400000007 0a010004000400'.replace(' ', ''), 'hex')

/** What a server says first, and then to each thing that it hears; `TLS` after it has agreed. */
type Script = readonly [greeting: string | Uint8Array | undefined, ...answers: (string | Uint8Array)[]]

const SMTP: Script = [
  '220-mail.example\r\n220 ESMTP\r\n',
  '250-mail.example\r\n250-SIZE 1000\r\n250 STARTTLS\r\n',
  '220 go\r\n',
]
const IMAP: Script = ['* OK [CAPABILITY IMAP4rev1] ready\r\n', '* CAPABILITY IMAP4rev1\r\nv1 OK begin\r\n']
const LDAP: Script = [undefined, LDAP_OK]

function follow(socket: Socket, [greeting, ...answers]: Script, heard: string[] = []): void {
  if (greeting !== undefined) socket.write(greeting)
  const onData = (chunk: Buffer): void => {
    heard.push(chunk.toString('latin1'))
    const answer = answers.shift()
    if (answer === undefined) return
    if (answers.length === 0) {
      socket.off('data', onData)
      const secure = new TLSSocket(socket, { isServer: true, secureContext })
      secure.on('error', () => secure.destroy())
    }
    socket.write(answer)
  }
  socket.on('data', onData)
}

async function probe(t: TestContext, startTls: StartTlsProtocol, script: Script, heard?: string[]) {
  const port = await listen(t, (socket) => follow(socket, script, heard))
  return bounded(probeTls, tlsTarget(port, { startTls, issuer }))
}

for (const [protocol, script, expected] of [
  ['smtp', SMTP, ['EHLO pki-vigil.invalid\r\n', 'STARTTLS\r\n']],
  ['imap', IMAP, ['v1 STARTTLS\r\n']],
  ['ldap', LDAP, undefined],
] as const) {
  test(`${protocol}: the service is asked to turn to TLS, and judged`, async (t) => {
    const heard: string[] = []
    const { facts } = succeeded(await probe(t, protocol, script, heard))
    assert.equal(facts.tls?.pathValid, true)
    assert.equal(facts.certificate?.subject, 'CN=shop')
    if (expected !== undefined) assert.deepEqual(heard, expected)
  })
}

test('ldap: an answer with lengths as OpenLDAP writes them', async (t) => {
  succeeded(await probe(t, 'ldap', [undefined, OPENLDAP_OK]))
})

test('smtp: words that come in pieces are put together', async (t) => {
  const port = await listen(t, (socket) => {
    socket.write('220 mail')
    setImmediate(() => follow(socket, ['.example\r\n', '250-a\r\n250 STARTTLS\r\n', '220 go\r\n']))
  })
  succeeded(await bounded(probeTls, tlsTarget(port, { startTls: 'smtp', issuer })))
})

for (const [what, protocol, script, code] of [
  ['a server that is busy', 'smtp', ['421 busy\r\n', ''], 'starttls_refused'],
  ['a server without STARTTLS', 'smtp', ['220 a\r\n', '250 SIZE 1\r\n', ''], 'starttls_refused'],
  [
    'a server that refuses STARTTLS',
    'smtp',
    ['220 a\r\n', '250 STARTTLS\r\n', '454 no\r\n'],
    'starttls_refused',
  ],
  ['another protocol', 'smtp', ['HTTP/1.1 400 Bad Request\r\n', ''], 'starttls_malformed'],
  ['IMAP that refuses', 'imap', ['* OK a\r\n', 'v1 NO\r\n'], 'starttls_refused'],
  ['another protocol at IMAP', 'imap', ['+OK POP3\r\n', ''], 'starttls_malformed'],
  [
    'LDAP that refuses',
    'ldap',
    [undefined, Buffer.from('300c02010178070a013504000400', 'hex')],
    'starttls_refused',
  ],
  ['LDAP of indefinite length', 'ldap', [undefined, Buffer.from('3080020101', 'hex')], 'starttls_malformed'],
  [
    'LDAP that announces 4 GB',
    'ldap',
    [undefined, Buffer.from('3084ffffffff020101', 'hex')],
    'starttls_malformed',
  ],
  [
    'an answer to another LDAP message',
    'ldap',
    [undefined, Buffer.from('300c02010278070a010004000400', 'hex')],
    'starttls_malformed',
  ],
] as const satisfies readonly (readonly [string, StartTlsProtocol, Script, ProbeErrorCode])[]) {
  test(`${what} is named`, async (t) => {
    failedIn(await probe(t, protocol, script), 'tls', code)
  })
}

test('what is said after the consent would be taken for what TLS protects, and is refused', async (t) => {
  const script: Script = [SMTP[0], SMTP[1] ?? '', '220 go\r\n250 injected\r\n']
  failedIn(await probe(t, 'smtp', script), 'tls', 'starttls_malformed')
})

test('a server that talks without end is cut off', async (t) => {
  const port = await listen(t, (socket) => {
    const more = (): boolean => socket.writable && socket.write('220-more\r\n'.repeat(100), more)
    more()
  })
  failedIn(await bounded(probeTls, tlsTarget(port, { startTls: 'smtp' })), 'tls', 'starttls_malformed')
})

test('a server that says nothing ends at the deadline', async (t) => {
  const port = await listen(t, () => undefined)
  const target = impatient(tlsTarget(port, { startTls: 'imap' }))
  failedIn(await bounded(probeTls, target), 'tls', 'timeout')
})

test('a server that hangs up is named', async (t) => {
  const port = await listen(t, (socket) => socket.end('220 a\r\n'))
  failedIn(await bounded(probeTls, tlsTarget(port, { startTls: 'smtp' })), 'tls', 'closed')
})
