import { toTimestamp } from '../../model/time.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { certificateFacts } from '../../pki/certificateFacts.ts'
import { purposeName } from '../../pki/purpose.ts'
import type { FactTree } from './document.ts'
import { distributionPointFacts, extensionFacts, generalNameText, present, subtreeText } from './pieces.ts'

/** Everything a certificate says; the facts that rules see under the same names. */
export function certificateTree(certificate: Certificate): FactTree {
  return {
    ...certificateFacts(certificate),
    version: certificate.version,
    size: certificate.der.length,
    ...usageFacts(certificate),
    ...whereFacts(certificate),
    ...policyFacts(certificate),
    ...transparencyFacts(certificate),
    tlsFeatures: present(certificate.tlsFeatures),
    qcStatements: present(certificate.qcStatements),
    unknownCritical: present(certificate.unknownCritical),
    extensions: present(certificate.extensions.map(extensionFacts)),
  }
}

function usageFacts(certificate: Certificate): FactTree {
  const { keyUsage, extendedKeyUsage, nameConstraints } = certificate
  return {
    keyUsage: keyUsage === undefined ? undefined : [...keyUsage],
    extendedKeyUsage: extendedKeyUsage?.map(purposeName),
    subjectAltNames: present(certificate.subjectAltNames.map(generalNameText)),
    nameConstraints:
      nameConstraints === undefined
        ? undefined
        : {
            permitted: nameConstraints.permitted.map(subtreeText),
            excluded: nameConstraints.excluded.map(subtreeText),
          },
  }
}

function whereFacts(certificate: Certificate): FactTree {
  return {
    subjectKeyId: certificate.subjectKeyId,
    aki: certificate.authorityKeyId,
    ocspUrls: present(certificate.ocspUrls),
    caIssuerUrls: present(certificate.caIssuerUrls),
    crlDistributionPoints: present(certificate.crlDistributionPoints.map(distributionPointFacts)),
    freshestCrl: present(certificate.freshestCrl.map(distributionPointFacts)),
    ocspNoCheck: certificate.ocspNoCheck || undefined,
  }
}

function policyFacts(certificate: Certificate): FactTree {
  const { certificatePolicies, policyMappings, policyConstraints, inhibitAnyPolicy } = certificate
  return {
    policies: certificatePolicies?.map(({ policy, qualifiers }) => ({
      policy,
      cps: present(qualifiers.flatMap((qualifier) => (qualifier.type === 'cps' ? [qualifier.uri] : []))),
      notices: present(
        qualifiers.flatMap((qualifier) =>
          qualifier.type === 'userNotice' && qualifier.text !== undefined ? [qualifier.text] : [],
        ),
      ),
    })),
    policyMappings: present(policyMappings.map((mapping) => ({ ...mapping }))),
    policyConstraints: policyConstraints === undefined ? undefined : { ...policyConstraints },
    inhibitAnyPolicy,
  }
}

function transparencyFacts({ isPrecertificate, scts }: Certificate): FactTree {
  return {
    isPrecertificate: isPrecertificate || undefined,
    scts: present(
      scts.map(({ logId, timestamp }) => ({
        logId: Buffer.from(logId).toString('base64'),
        timestamp: toTimestamp(timestamp),
      })),
    ),
  }
}
