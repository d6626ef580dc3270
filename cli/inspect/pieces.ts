import { urlsOf, type DistributionPoint, type DistributionPointName } from '../../pki/distributionPoint.ts'
import type { RawExtension } from '../../pki/extensions.ts'
import { identityText, type GeneralName } from '../../pki/generalName.ts'
import { formatSubnet } from '../../pki/ip.ts'
import { OID } from '../../pki/oid.ts'
import type { FactTree } from './document.ts'

/** `crlNumber` by its OID. */
const EXTENSION_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(OID).map(([name, oid]) => [oid, name]),
)

/** `dns:shop.example.org`, `directory:CN=…`; of a form that is not read, its name alone. */
export function generalNameText(name: GeneralName): string {
  if (name.type === 'other') return name.form
  return `${name.type}:${(name.type === 'directory' ? name.name.text : identityText(name)) ?? ''}`
}

/** The base of a name constraint, where an IP address comes with its mask. */
export function subtreeText(base: GeneralName): string {
  return base.type === 'ip' ? `ip:${formatSubnet(base.octets)}` : generalNameText(base)
}

/** Of a distribution point, in a certificate or in a CRL. */
export function pointNameFacts(name: DistributionPointName | undefined): FactTree {
  if (name === undefined) return {}
  if ('relativeName' in name) return { relativeName: Buffer.from(name.relativeName).toString('hex') }
  const others = name.fullName.filter(({ type }) => type !== 'uri').map(generalNameText)
  return { urls: urlsOf(name), names: others.length === 0 ? undefined : others }
}

export function distributionPointFacts({ name, reasons, crlIssuer }: DistributionPoint): FactTree {
  return {
    ...pointNameFacts(name),
    reasons: reasons === undefined ? undefined : [...reasons],
    crlIssuer: crlIssuer?.map(generalNameText),
  }
}

/** An extension as it stands; without name when vigil does not read it. */
export function extensionFacts({ oid, critical, value }: RawExtension): FactTree {
  return { oid, name: EXTENSION_NAMES.get(oid), critical, size: value.length }
}

/** An empty list says what no list says: it is left out. */
export function present<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list
}
