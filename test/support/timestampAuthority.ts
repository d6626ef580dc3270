import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TimestampAuthority extends Disposable {
  /** PEM of the CA that issued the signer's certificate. */
  readonly ca: string
  /** Answers a query (RFC 3161) as `openssl ts` does. */
  reply(query: Uint8Array): Buffer
}

/** What the signer's certificate is for. */
const PURPOSE = 'critical,timeStamping'

/** A real authority: OpenSSL's. `key` is what `openssl req -newkey` takes. */
export function makeTimestampAuthority(
  options: { readonly key?: string; readonly purpose?: string; readonly digest?: string } = {},
): TimestampAuthority {
  const directory = mkdtempSync(join(tmpdir(), 'vigil-tsa-'))
  const { key = 'rsa:2048', purpose = PURPOSE, digest = 'sha256' } = options
  const run = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
  }
  const newKey = key.startsWith('ec:') ? ['ec', '-pkeyopt', `ec_paramgen_curve:${key.slice(3)}`] : [key]
  writeFileSync(
    join(directory, 'openssl.cnf'),
    `[req]\ndistinguished_name = dn\n[dn]\n[tsa]
dir = ${directory}\nserial = $dir/serial\nsigner_digest = ${digest}\ndefault_policy = 1.2.3.4.1\ndigests = sha256\naccuracy = secs:1, millisecs:500\nordering = yes\n`,
  )
  const common = ['req', '-x509', '-config', 'openssl.cnf', '-nodes', '-days', '30']
  run(...common, '-newkey', 'rsa:2048', '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=TSA root')
  run(
    ...[...common, '-newkey', ...newKey, '-keyout', 'tsa.key', '-out', 'tsa.pem', '-subj', '/CN=TSA'],
    ...['-CA', 'ca.pem', '-CAkey', 'ca.key'],
    ...['-addext', `extendedKeyUsage=${purpose}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
  )
  writeFileSync(join(directory, 'serial'), '01\n')
  return {
    ca: readFileSync(join(directory, 'ca.pem'), 'utf8'),
    reply(query) {
      writeFileSync(join(directory, 'query'), query)
      const files = ['-signer', 'tsa.pem', '-inkey', 'tsa.key', '-queryfile', 'query', '-out', 'reply']
      run('ts', '-reply', '-config', 'openssl.cnf', '-section', 'tsa', ...files)
      return readFileSync(join(directory, 'reply'))
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  }
}
