import type { ServiceConfig } from '../../model/config.ts'
import type { Facts, FactsOf } from '../../model/facts.ts'
import { formatSubject } from '../../model/subject.ts'
import type { RecordId } from '../../model/recordId.ts'
import { fromTimestamp, toTimestamp } from '../../model/time.ts'
import { digestOf, serialsOf, serviceOf, type DeploymentReport } from './deploymentReports.ts'
import type { ServedCertificate } from './servedCertificates.ts'

/** Reports that name no service are told of for this long, in milliseconds. */
const UNMATCHED_FOR = 86_400_000
/** Reports that a list holds. */
const MAX_NAMED = 5

/** What control planes reported last of each service. A projection, which goes on from its own facts. */
export class DeployedServices {
  readonly #services: readonly ServiceConfig[]
  /** By subject. */
  readonly #reported = new Map<string, FactsOf<'deployment'>>()
  /** By subject: as the facts were given last, with what was served. */
  readonly #told = new Map<string, FactsOf<'deployment'>>()
  /** By log, the newest first: when, and what. */
  readonly #unmatched = new Map<string, readonly string[]>()

  constructor(services: readonly ServiceConfig[]) {
    this.#services = services
  }

  /** From the facts that were given last of a service. */
  restore(subject: string, { deployment }: Facts): void {
    if (deployment?.reported !== true) return
    this.#told.set(subject, deployment)
    const reported = { ...deployment }
    // What was served then says nothing of now.
    delete reported.served
    delete reported.servedSerial
    delete reported.servedSha256
    delete reported.servedRecord
    this.#keep(subject, reported)
  }

  /** From the facts that were given last of a log. */
  restoreLog(log: string, { deployments }: Facts): void {
    this.#unmatched.set(log, deployments?.unmatched ?? [])
  }

  report(log: string, report: DeploymentReport): void {
    const { asset, at, record, serial, sha256 } = report
    const service = serviceOf(report, this.#services)
    const subject = service === undefined ? this.#lastOf(log, report) : deployedSubject(service)
    if (subject === undefined) {
      const line = `${toTimestamp(at)} ${plain(asset)} ${record}`
      const others = (this.#unmatched.get(log) ?? []).filter((known) => known !== line)
      this.#unmatched.set(log, [line, ...others].slice(0, MAX_NAMED))
      return
    }
    const digest = sha256 === undefined ? undefined : digestOf(sha256)
    this.#keep(subject, {
      reported: true,
      log,
      asset: plain(asset),
      at: toTimestamp(at),
      record,
      ...(serial === undefined || serialsOf(serial).length === 0
        ? {}
        : { serial: serial.replaceAll(/\s/g, '') }),
      ...(digest === undefined ? {} : { sha256: digest }),
    })
  }

  /** Of a service that showed this certificate last. */
  facts(subject: string, shown: ServedCertificate | undefined): FactsOf<'deployment'> {
    const reported = this.#reported.get(subject)
    if (reported === undefined) return { reported: false }
    if (shown === undefined || shown.lastSeen < fromTimestamp(reported.at ?? '')) return reported
    const matches = isServed(reported, shown)
    const facts = {
      ...reported,
      ...(matches === undefined ? {} : { served: matches }),
      servedSerial: shown.serial,
      servedSha256: shown.sha256,
      servedRecord: this.#firstShown(subject, reported, shown),
    }
    this.#told.set(subject, facts)
    return facts
  }

  /** The first record that showed this certificate beside this report: where every handshake is a record of its own, naming the newest would make each look another one. */
  #firstShown(subject: string, reported: FactsOf<'deployment'>, shown: ServedCertificate): RecordId {
    const told = this.#told.get(subject)
    const isSame = told?.record === reported.record && told?.servedSha256 === shown.sha256
    return isSame && told.servedRecord !== undefined ? told.servedRecord : shown.record
  }

  /** Of a log that tells of deployments; `now` in milliseconds. */
  logFacts(log: string, now: number): FactsOf<'deployments'> {
    const unmatched = (this.#unmatched.get(log) ?? []).filter((line) => {
      const at = Date.parse(line.split(' ')[0] ?? '')
      return now - at < UNMATCHED_FOR
    })
    this.#unmatched.set(log, unmatched)
    return { told: true, unmatched }
  }

  /** The service that the asset was deployed on before. */
  #lastOf(log: string, { asset, isLasting }: DeploymentReport): string | undefined {
    if (!isLasting) return undefined
    const found = [...this.#reported].filter(([, last]) => last.log === log && last.asset === plain(asset))
    return found.length === 1 ? found[0]?.[0] : undefined
  }

  /** The newest counts, in whatever order they come. */
  #keep(subject: string, reported: FactsOf<'deployment'>): void {
    const before = this.#reported.get(subject)?.at
    if (before === undefined || (reported.at ?? '') >= before) this.#reported.set(subject, reported)
  }
}

/** What is not said is not compared; undefined: nothing is. */
function isServed({ serial, sha256 }: FactsOf<'deployment'>, shown: ServedCertificate): boolean | undefined {
  const compared = [
    ...(serial === undefined ? [] : [serialsOf(serial).includes(shown.serial)]),
    ...(sha256 === undefined ? [] : [sha256 === shown.sha256]),
  ]
  return compared.length === 0 ? undefined : compared.every(Boolean)
}

export function deployedSubject({ id, environment }: ServiceConfig): string {
  return formatSubject({ kind: 'deployed_service_cert', keys: [id, environment] })
}

/** Without what could end a line or turn the direction of writing. */
function plain(text: string): string {
  return text.replaceAll(/[\p{C}\p{Z}]/gu, '_')
}
