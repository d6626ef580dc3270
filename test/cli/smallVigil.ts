import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Stack } from '../../cli/stack.ts'
import { portOf } from '../../lab/http.ts'
import { issueCrl, toPem } from '../../lab/issue.ts'
import type { Finding } from '../../model/finding.ts'
import { temporaryDirectory } from '../support/vigil.ts'
import { DAY, entity, NOW } from '../probes/pki.ts'
import { loadedFrom, startVigil } from '../support/stack.ts'

/** Longest that a change may take to show, in ms. */
const LIMIT = 60_000

interface SmallVigilOptions {
  /** Distribution points of the authority, all on one host. Default 1. */
  readonly crls?: number
  /** Parameters of rules, as in vigil.yaml. */
  readonly parameters?: Readonly<Record<string, Readonly<Record<string, string | number>>>>
  /** Further lines of vigil.yaml. */
  readonly yaml?: string
  readonly now?: () => number
  /** What the distribution points do; by default they serve the new CRL. */
  readonly serve?: (crls: Crls) => RequestListener
}

/** One that is well, one after it that is valid for longer than the policy allows, and one after that, which is well again. */
export type Crls = Readonly<Record<'recent' | 'lasting' | 'renewed', Uint8Array>>

export interface SmallVigil {
  readonly directory: string
  readonly stack: Stack
  /** Waits until these rules fail and no other is in trouble, and returns their findings in this order. Without any: until all is well. */
  readonly failing: (...rules: readonly string[]) => Promise<readonly Finding[]>
}

/** A whole vigil, with all that is shipped in force, watching one authority that is well. It looks at it, and at itself, every second. */
export async function startSmallVigil(t: TestContext, options: SmallVigilOptions = {}): Promise<SmallVigil> {
  const directory = temporaryDirectory()
  t.after(() => directory[Symbol.dispose]())
  const ca = await entity({ subject: 'CN=CA', notAfter: NOW + 365 * DAY })
  const crlOf = (number: number, nextUpdate = NOW + DAY): Promise<Uint8Array> =>
    issueCrl({
      issuer: ca,
      number: BigInt(number),
      thisUpdate: NOW - (4 - number) * 1000,
      nextUpdate,
      revoked: [],
    })
  const crls = { recent: await crlOf(1), lasting: await crlOf(2, NOW + 30 * DAY), renewed: await crlOf(3) }
  const serve =
    options.serve ??
    (({ recent }) =>
      (_, response) =>
        sendCrl(response, recent))
  const server = createServer(serve(crls)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const port = portOf(server)
  const points = Array.from(
    { length: options.crls ?? 1 },
    (_, i) => `{ url: 'http://127.0.0.1:${port}/${i}.crl' }`,
  )
  writeFileSync(join(directory.path, 'webhook.secret'), `whsec_${Buffer.alloc(32, 7).toString('base64')}\n`)
  writeFileSync(join(directory.path, 'ca.pem'), toPem(ca.certificate, 'CERTIFICATE'))
  const file = join(directory.path, 'vigil.yaml')
  writeFileSync(
    file,
    `server: { listen: '127.0.0.1:0' }
inventory:
  authorities: [{ id: ca, certificate: ca.pem, crl: [${points.join(', ')}] }]
probes: { interval: 1s, timeout: 900ms }
rules:
  tick: 200ms
  parameters: ${JSON.stringify(options.parameters ?? {})}
${options.yaml ?? ''}`,
  )
  const stack = await startVigil(loadedFrom(file), { now: options.now ?? Date.now })
  t.after(() => stack.stop())
  const failing: SmallVigil['failing'] = async (...rules) => {
    const troubled = (): readonly Finding[] => stack.findings().filter(({ state }) => !QUIET.has(state))
    const found = (): readonly Finding[] =>
      rules.flatMap((rule) => troubled().find((f) => f.rule === rule && f.state === 'fail') ?? [])
    for await (const batch of stack.journal.follow(undefined, AbortSignal.timeout(LIMIT)))
      if (batch.length > 0 && found().length === rules.length && troubled().length === rules.length)
        return found()
    const inTrouble = troubled().map((f) => `${f.rule} ${f.subject} ${f.state}: ${f.summary}`)
    return assert.fail(
      `expected in trouble: ${rules.join(', ')}; got ${inTrouble.length}: ${inTrouble.join('; ')}`,
    )
  }
  await failing()
  return { directory: directory.path, stack, failing }
}

export function sendCrl(response: ServerResponse, crl: Uint8Array): void {
  response.writeHead(200, { 'content-type': 'application/pkix-crl' }).end(crl)
}

const QUIET: ReadonlySet<Finding['state']> = new Set(['pass', 'not_applicable'])
