import { toTimestamp } from '../../model/time.ts'
import type { IndexedCrl } from '../../pki/crl.ts'
import { applyDelta, type CombinedCrl } from '../../pki/crlDelta.ts'
import { diffCrls, type CrlDifference } from '../../pki/crlDiff.ts'
import { failureOf, PkiError } from '../../pki/error.ts'
import { namesMatch } from '../../pki/name.ts'
import { CommandError, EXIT } from '../exit.ts'
import { inspectCrl, judgeCrl } from './crl.ts'
import { entryTree, lookUpTree } from './crlTree.ts'
import { combine, unverified, verdictOf, type FactTree, type Inspections } from './document.ts'
import type { Question } from './question.ts'

/** Entries of each kind that a document lists; the counts are of all. */
const MAX_LISTED = 10_000

/** What changed from one list of a CA to another. Throws CommandError(usage) for lists of two CAs. */
export function compareCrls(before: IndexedCrl, after: IndexedCrl, question: Question): Inspections {
  if (!namesMatch(before.issuer, after.issuer)) {
    const got = `${before.issuer.text} and ${after.issuer.text}`
    throw new CommandError(EXIT.usage, `expected two CRLs of one issuer to compare, got lists of ${got}`)
  }
  const objects = [inspectCrl(before, question), inspectCrl(after, question)] as const
  return { ...combine(objects), facts: differenceTree(diffCrls(before, after)), objects }
}

function differenceTree({ added, removed, changedDate, changedReason }: CrlDifference): FactTree {
  return {
    counts: {
      added: added.count,
      removed: removed.count,
      changedDate: changedDate.count,
      changedReason: changedReason.count,
    },
    added: listed(added.list(), entryTree),
    removed: listed(removed.list(), entryTree),
    changedDate: listed(changedDate.list(), ({ before, after }) => ({
      serial: after.serial,
      before: toTimestamp(before.revokedAt),
      after: toTimestamp(after.revokedAt),
    })),
    changedReason: listed(changedReason.list(), ({ before, after }) => ({
      serial: after.serial,
      before: before.reason ?? 'none',
      after: after.reason ?? 'none',
    })),
  }
}

function listed<T>(entries: Iterable<T>, tree: (entry: T) => FactTree): FactTree[] {
  const list: FactTree[] = []
  for (const entry of entries) {
    if (list.length >= MAX_LISTED) break
    list.push(tree(entry))
  }
  return list
}

/** What a complete list says together with a delta CRL (RFC 5280 5.2.4). */
export function combineWithDelta(complete: IndexedCrl, delta: IndexedCrl, question: Question): Inspections {
  const [base, changes] = [judgeCrl(complete, question), judgeCrl(delta, question)]
  // With its delta, a list whose successor is due is as complete as the delta is current.
  const failures = [...base.failures.filter(({ code }) => code !== 'crl_expired'), ...changes.failures]
  if (base.issuer?.sha256 !== changes.issuer?.sha256) failures.push(otherSigner())
  let combined: CombinedCrl | undefined
  const mismatch = failureOf(() => {
    combined = applyDelta(complete, delta)
  })
  if (mismatch !== undefined) failures.push(mismatch)
  return {
    kind: 'crl',
    ...(question.issuers.length === 0 ? unverified(failures) : verdictOf(failures)),
    facts: combined === undefined ? {} : combinedTree(combined, question),
    lints: [],
    objects: [inspectCrl(complete, question), inspectCrl(delta, question)],
  }
}

function otherSigner(): PkiError {
  const message =
    'expected a delta CRL signed with the key of the complete one, got one signed with another key'
  return new PkiError('consistency', 'delta_mismatch', message)
}

function combinedTree(combined: CombinedCrl, { serial }: Question): FactTree {
  const { number, thisUpdate, nextUpdate, entries } = combined
  return {
    number: number?.toString(),
    thisUpdate: toTimestamp(thisUpdate),
    nextUpdate: nextUpdate === undefined ? undefined : toTimestamp(nextUpdate),
    entries,
    lookup: serial === undefined ? undefined : lookUpTree(combined, serial),
  }
}
