// A small real PKI on loopback, with switches for its faults.
import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { toTimestamp, type Clock, type Timestamp } from '../model/time.ts'
import { startAlertReceiver, type AlertReceiver, type ReceivedAlert } from './alertReceiver.ts'
import { openAuditLog } from './auditLog.ts'
import { IssuingAuthority } from './authority.ts'
import { dogtagLog, ejbcaLog, jsonLog, type CaLog } from './caLog.ts'
import { holdCeremony } from './ceremony.ts'
import { startControl, type LabStatus } from './control.ts'
import { startControlPlane, type Remediation, type Run } from './controlPlane.ts'
import { crlParts } from './crlPart.ts'
import { DagsterLog } from './dagsterLog.ts'
import { Deployment } from './deployment.ts'
import { openDogtagCa } from './dogtagCa.ts'
import { ADMINISTRATORS, logLogin, logStart } from './ejbcaEvents.ts'
import { LabError } from './error.ts'
import { FAULTS } from './faults/table.ts'
import { LOOPBACK } from './http.ts'
import { describeAuthority, describeService, type LabInventory, type OtherLog } from './inventory.ts'
import { generateKey } from './issue.ts'
import { openIssuingCa, type IssuingCa } from './issuingCa.ts'
import { DEFAULT_LIFETIMES, type Lifetimes } from './lifetimes.ts'
import { startOcspResponder } from './ocspResponder.ts'
import { Operations, type ActiveFault } from './operations.ts'
import { Prober, type ProberOptions } from './prober.ts'
import { startRepository } from './repository.ts'
import { SignedLog } from './signedLog.ts'
import { removeState, stateFileIn, writeState, type LabState } from './state.ts'
import { encodeSecret } from './webhookSignature.ts'

/** How often the control plane writes what it has done. */
const JOB_INTERVAL_MS = 10_000
/** setInterval takes no more: about 24.8 days. */
const MAX_INTERVAL_MS = 2 ** 31 - 1

const AUTHORITIES = [
  { id: 'issuing-1', name: 'IssuingCA1', subject: 'Issuing CA 1', key: 'rsa', crls: {}, history: 0 },
  {
    id: 'issuing-2',
    name: 'IssuingCA2',
    subject: 'Issuing CA 2',
    key: 'p256',
    crls: { delta: true, mirrored: true },
    history: 0,
  },
  {
    id: 'issuing-3',
    name: 'IssuingCA3',
    subject: 'Issuing CA 3',
    key: 'p256',
    crls: { partitions: 2 },
    history: 12,
  },
] as const

/** Run by Dogtag, with clones. */
const DOGTAG = { id: 'devices', subject: 'Device CA', key: 'p256' } as const

const SERVICES = [
  { id: 'shop', owner: 'team-shop', authority: 'issuing-1', client: 'none', staples: true },
  { id: 'payments', owner: 'team-payments', authority: 'issuing-2', client: 'none', staples: false },
  { id: 'mail-gateway', owner: 'team-messaging', authority: 'issuing-1', client: 'none', staples: false },
  { id: 'internal-api', owner: 'team-platform', authority: 'issuing-2', client: 'required', staples: false },
] as const
const ENVIRONMENT = 'prod'
const DOMAIN = 'lab.test'

/** What happens, as it happens. */
export interface LabEvents {
  crl: [{ authority: string; number: bigint; who: string }]
  certificate: [{ service: string; serial: string; notAfter: Timestamp; who: string }]
  fault: [{ fault: string; target: string; state: 'on' | 'off' }]
  run: [Run]
  alert: [{ change: 'firing' | 'repeated' | 'resolved'; alert: ReceivedAlert }]
  /** A scheduled CRL could not be issued. */
  problem: [unknown]
}

export interface Lab extends AsyncDisposable {
  readonly directory: string
  readonly inventory: LabInventory
  readonly events: EventEmitter<LabEvents>
  /** Control plane: where webhooks go, and with which secret they are signed. */
  readonly webhook: { readonly url: string; readonly secret: string }
  readonly alerts: Pick<AlertReceiver, 'url' | 'active' | 'all'>
  readonly stateFile: string
  runs(): readonly Run[]
  /** LabError `unknown_fault`, `unknown_target`, `conflict`. */
  break(fault: string, target: string): Promise<void>
  repair(fault: string, target: string): Promise<void>
  faults(): readonly ActiveFault[]
  status(): LabStatus
  /** As an administrator does it, without the control plane. Says what was done. */
  remedy(action: Remediation, target: string): Promise<string>
  /** Issues the CRLs that are due, as the schedule does. */
  refreshCrls(): Promise<void>
  /** Lets the control plane do what is due, as its schedule does. */
  runJobs(): void
  /** Every clone of the Dogtag CA issues a certificate, as devices ask for them. */
  enrolDevices(): void
  /** Renames the audit log and starts a new one. Returns the new name of the old one. */
  rotateLog(): string
  /** Twice is fine. */
  close(): Promise<void>
}

export interface LabOptions {
  readonly directory: string
  readonly now: Clock
  readonly lifetimes?: Partial<Lifetimes>
  /** Authorities, by id, that work with other software than EJBCA, and log as it does. */
  readonly logs?: Readonly<Record<string, OtherLog['format']>>
  /**
   * Of this machine, where every server of the PKI listens. With more than one they have names, which the inventory gives. Default:
   * 127.0.0.1 only, without names. Linux has the whole of 127.0.0.0/8.
   */
  readonly addresses?: readonly string[]
  /** Serial numbers, webhook secret and token come from here; keys do not. */
  readonly random?: (size: number) => Uint8Array
  /** Starts a timer and returns what stops it. */
  readonly every?: (ms: number, run: () => void) => () => void
  /** Written besides `lab.json` in the directory: `userStateFile()` for a lab that the command line should find. */
  readonly userStateFile?: string
}

/** Everything runs when this resolves; nothing is left open when it rejects. */
export async function startLab(options: LabOptions): Promise<Lab> {
  await using opened = new AsyncDisposableStack()
  const { directory, now, random = randomBytes, every = interval, addresses = [LOOPBACK] } = options
  const hosts = new Map<string, readonly string[]>()
  const hostOf = (name: string): string => {
    if (addresses.length === 1) return addresses[0] ?? LOOPBACK
    hosts.set(name, addresses)
    return name
  }
  const lifetimes = { ...DEFAULT_LIFETIMES, ...options.lifetimes }
  const events = new EventEmitter<LabEvents>()
  await mkdir(directory, { recursive: true, mode: 0o700 })

  const log = openAuditLog({ file: join(directory, 'audit.log'), now })
  opened.defer(() => log.close())
  const login = (who: string) => {
    logLogin(log, who)
    return who
  }
  logStart(log, hostname())

  const repository = await startRepository({
    directory: join(directory, 'www'),
    addresses,
    host: hostOf(`crl.${DOMAIN}`),
  })
  opened.defer(() => repository.close())
  const rootCrlUrl = repository.urlOf('root.crl')
  const ceremony = await holdCeremony({
    now: now(),
    rootCrlUrl,
    rootCrlLifetime: lifetimes.rootCrl,
    issuing: [...AUTHORITIES, DOGTAG],
  })
  await repository.publish('root.crl', ceremony.rootCrl, now())

  const registrar = login(ADMINISTRATORS.registrationOfficer)
  const authorities = new Map<string, IssuingCa>()
  const otherLogs = Object.entries(options.logs ?? {}).map(([authority, format]): OtherLog => {
    const id = `${authority}-log`
    const path = join(directory, `${id}.${format}`)
    return { id, format, path, signerFile: `${path}.pub.pem`, authority }
  })
  for (const declared of AUTHORITIES) {
    const issuer = ceremony.issuing.get(declared.id)
    if (issuer === undefined) continue
    const responder = await startOcspResponder({
      now,
      lifetime: lifetimes.ocsp,
      addresses,
      host: hostOf(`ocsp.${DOMAIN}`),
    })
    opened.defer(() => responder.close())
    const otherLog = otherLogs.find((other) => other.authority === declared.id)
    const authority = new IssuingAuthority({
      ...declared,
      issuer,
      urls: {
        ocsp: responder.url,
        caIssuers: repository.urlOf(`${declared.id}.cer`),
      },
      parts: crlParts(declared.id, repository.urlOf, declared.crls),
      log: otherLog === undefined ? ejbcaLog(log) : openOtherLog(otherLog, opened, now),
      now,
      random,
      crlLifetime: lifetimes.crl,
    })
    await repository.publish(`${declared.id}.cer`, issuer.certificate, now())
    authorities.set(
      declared.id,
      await openIssuingCa({
        authority,
        responder,
        repository,
        now,
        pastAge: lifetimes.staleCrl,
        history: declared.history,
        who: registrar,
        onCrl: (number, who) => events.emit('crl', { authority: declared.id, number, who }),
      }),
    )
  }

  const dogtagIssuer = ceremony.issuing.get(DOGTAG.id)
  if (dogtagIssuer === undefined) throw new RangeError(`expected a certificate of ${DOGTAG.id}`)
  const dogtag = await openDogtagCa({ id: DOGTAG.id, issuer: dogtagIssuer, directory, now })
  opened.defer(() => dogtag.close())

  const dagsterLog = new DagsterLog({ file: join(directory, 'dagster.log'), now })
  opened.defer(() => dagsterLog.close())
  opened.defer(every(JOB_INTERVAL_MS, () => dagsterLog.catchUp()))
  const services = new Map<string, Deployment>()
  for (const declared of SERVICES) {
    const { authority, responder } = authorities.get(declared.authority) ?? {}
    if (authority === undefined || responder === undefined) continue
    const servername = `${declared.id}.${DOMAIN}`
    const service = await Deployment.start(
      {
        ...declared,
        environment: ENVIRONMENT,
        servername,
        host: hostOf(servername),
        addresses,
        authority,
        ...(declared.client === 'required'
          ? {
              client: {
                policy: 'required',
                authorities: [ceremony.root, authority.issuer.certificate],
                isRevoked: (serial) => authority.statusOf(serial).status === 'revoked',
              },
            }
          : { client: undefined }),
        staple: declared.staples ? (serial) => responder.staple(serial) : undefined,
        now,
        lifetime: lifetimes.service,
        file: join(directory, 'issued', `${declared.id}.pem`),
        onDeployed: (deployed, who) => {
          const { serial, notAfter } = deployed
          dagsterLog.deployed({ id: declared.id, environment: ENVIRONMENT }, deployed)
          events.emit('certificate', {
            service: declared.id,
            serial,
            notAfter: toTimestamp(notAfter),
            who,
          })
        },
      },
      registrar,
    )
    opened.defer(() => service.close())
    dagsterLog.deployed(service, service.own)
    services.set(declared.id, service)
  }
  const prober = await openProber({ directory: join(directory, 'prober'), now, who: registrar }, authorities)

  const operations = new Operations({
    authorities,
    services,
    dogtag,
    repository,
    ceremony,
    prober,
    log,
    dagsterLog,
    addresses,
    now,
    nearExpiry: lifetimes.nearExpiry,
    login,
    onFault: (fault, target, state) => events.emit('fault', { fault, target, state }),
  })
  opened.defer(() => operations.close())
  const enrolDevices = (): void => dogtag.clones.forEach((clone) => dogtag.enrol(clone))
  opened.defer(
    every(lifetimes.crlInterval, () => {
      enrolDevices()
      operations.refreshCrls().catch((error: unknown) => {
        if (!(error instanceof LabError && error.code === 'closed')) events.emit('problem', error)
      })
    }),
  )

  const secret = encodeSecret(random(32))
  const controlPlane = await startControlPlane({
    secret,
    now,
    check: (action, target) => operations.checkRemedy(action, target),
    execute: (action, target) => operations.remedy(action, target, ADMINISTRATORS.controlPlane),
    onRun: (run) => events.emit('run', run),
  })
  opened.defer(() => controlPlane.close())
  const alerts = await startAlertReceiver({
    now,
    onAlert: (change, alert) => events.emit('alert', { change, alert }),
  })
  opened.defer(() => alerts.close())

  const status = (): LabStatus => ({
    directory,
    authorities: [...authorities.keys(), dogtag.id],
    services: [...services.keys()],
    active: [...operations.active()],
    faults: FAULTS.map(({ id, title, group, target }) => ({ id, title, group, target })),
  })
  const controlled = {
    status,
    break: (fault: string, target: string) => operations.break(fault, target),
    repair: (fault: string, target: string) => operations.repair(fault, target),
  }
  const token = Buffer.from(random(32)).toString('base64url')
  const control = await startControl(controlled, token)
  opened.defer(() => control.close())
  const state: LabState = { version: 1, url: control.url, token, directory, pid: process.pid }
  const stateFile = stateFileIn(directory)
  for (const file of [stateFile, ...(options.userStateFile === undefined ? [] : [options.userStateFile])]) {
    await writeState(file, state)
    opened.defer(() => removeState(file, state))
  }

  const running = opened.move()
  const close = () => running.disposeAsync()
  return {
    ...controlled,
    directory,
    events,
    inventory: {
      authorities: [
        {
          id: 'root',
          class: 'offline',
          certificate: ceremony.root,
          crlUrl: rootCrlUrl,
          crls: [{ url: rootCrlUrl, copies: [] }],
          history: [],
        },
        ...[...authorities.values()].map((ca) => describeAuthority(ca, repository, lifetimes)),
      ],
      services: [...services.values()].map(describeService),
      prober,
      hosts: Object.fromEntries(hosts),
      log: {
        id: 'ejbca',
        path: log.file,
        authorities: [...authorities.keys()].filter((id) => otherLogs.every((o) => o.authority !== id)),
      },
      otherLogs,
      dogtag,
      dagsterLog: dagsterLog.file,
    },
    webhook: { url: controlPlane.url, secret },
    alerts,
    stateFile,
    runs: () => controlPlane.runs(),
    faults: () => operations.active(),
    remedy: (action, target) => operations.remedy(action, target, login(ADMINISTRATORS.superAdmin)),
    refreshCrls: () => operations.refreshCrls(),
    enrolDevices,
    runJobs: () => dagsterLog.catchUp(),
    rotateLog: () => log.rotate(),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function openOtherLog(
  { format, path, signerFile }: OtherLog,
  opened: AsyncDisposableStack,
  now: Clock,
): CaLog {
  if (format === 'json') return jsonLog({ file: path, now })
  const key = generateKey('p256')
  writeFileSync(signerFile, key.publicKey.export({ type: 'spki', format: 'pem' }))
  const log = new SignedLog({ file: path, key, now })
  opened.defer(() => log.close())
  return dogtagLog(log)
}

/** Its certificates are of the CA of the service that asks for one. */
function openProber(
  options: Omit<ProberOptions, 'authority'>,
  authorities: ReadonlyMap<string, IssuingCa>,
): Promise<Prober> {
  const issuerId = SERVICES.find((service) => service.client === 'required')?.authority ?? ''
  const authority = authorities.get(issuerId)?.authority
  if (authority === undefined) throw new RangeError('expected a service that requires client certificates')
  return Prober.open({ ...options, authority })
}

function interval(ms: number, run: () => void): () => void {
  const timer = setInterval(run, Math.min(ms, MAX_INTERVAL_MS))
  return () => clearInterval(timer)
}
