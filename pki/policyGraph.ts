import { ANY_POLICY } from './policyExtensions.ts'
import type { PolicyInformation, PolicyMapping } from './policyExtensions.ts'

interface Node {
  readonly policy: string
  /** Nodes of the level above whose expected policies include this one. */
  readonly parents: readonly Node[]
  /** expected_policy_set. */
  expected: ReadonlySet<string>
}

type Level = ReadonlyMap<string, Node>

const ROOT: Level = new Map([
  [ANY_POLICY, { policy: ANY_POLICY, parents: [], expected: new Set([ANY_POLICY]) }],
])

/**
 * The valid_policy_graph of RFC 9618, which replaces the tree of RFC 5280 6.1.2 (a): the tree has a node for every way in which a policy
 * can be mapped down a path, and so grows exponentially with its length; here a level has one node for a policy. Only the lowest level
 * is needed on the way down; pruning (6.1.3 (d) (3)) is that in the end nodes are reached from there, upwards.
 */
export class PolicyGraph {
  #level: Level = ROOT

  /** The graph is NULL: no policy is valid for the path so far. */
  get isNull(): boolean {
    return this.#level.size === 0
  }

  /**
   * 6.1.3 (d), (e): the policies of the next certificate; undefined when it has no certificatePolicies.
   * `anyPolicy`: whether it may assert anyPolicy.
   */
  descend(policies: readonly PolicyInformation[] | undefined, anyPolicy: 'allowed' | 'inhibited'): void {
    const above = this.#level
    const next = new Map<string, Node>()
    this.#level = next
    if (policies === undefined) return // (e)
    const add = (policy: string, parents: readonly Node[]): void => {
      next.set(policy, { policy, parents, expected: new Set([policy]) })
    }
    const expecting = byExpected(above)
    const anyAbove = above.get(ANY_POLICY)
    for (const { policy } of policies) {
      if (policy === ANY_POLICY) continue
      const parents = expecting.get(policy) // (d) (1) (i)
      if (parents !== undefined) add(policy, parents)
      else if (anyAbove !== undefined) add(policy, [anyAbove]) // (d) (1) (ii)
    }
    if (anyPolicy === 'allowed' && policies.some(({ policy }) => policy === ANY_POLICY)) {
      for (const [policy, parents] of expecting) if (!next.has(policy)) add(policy, parents) // (d) (2)
    }
  }

  /** 6.1.4 (b) with policy_mapping > 0. */
  map(mappings: readonly PolicyMapping[]): void {
    const level = new Map(this.#level)
    const any = level.get(ANY_POLICY)
    for (const [policy, expected] of groupMappings(mappings)) {
      const node = level.get(policy)
      if (node !== undefined) node.expected = expected
      // A child of the anyPolicy node one level up, which is that of the anyPolicy node here.
      else if (any !== undefined) level.set(policy, { policy, parents: any.parents, expected })
    }
    this.#level = level
  }

  /** 6.1.4 (b) with policy_mapping = 0: what the CA maps is not valid below it. */
  forbid(mappings: readonly PolicyMapping[]): void {
    const level = new Map(this.#level)
    for (const { issuerDomain } of mappings) level.delete(issuerDomain)
    this.#level = level
  }

  /** 6.1.5 (g): the user-constrained-policy-set. It holds anyPolicy when every policy is valid. */
  accepted(initial: ReadonlySet<string>): ReadonlySet<string> {
    const valid = this.#authorityConstrained()
    if (initial.has(ANY_POLICY)) return valid
    if (valid.has(ANY_POLICY)) return initial
    return new Set([...initial].filter((policy) => valid.has(policy)))
  }

  /** The policies in the anchor's own domain that lead to the lowest level: nodes whose parent is anyPolicy, and anyPolicy at the end. */
  #authorityConstrained(): ReadonlySet<string> {
    const policies = new Set<string>()
    if (this.#level.has(ANY_POLICY)) policies.add(ANY_POLICY)
    let nodes: readonly Node[] = [...this.#level.values()]
    while (nodes.length > 0) {
      const above = new Set<Node>()
      for (const node of nodes) {
        if (node.policy === ANY_POLICY) continue
        for (const parent of node.parents) {
          if (parent.policy === ANY_POLICY) policies.add(node.policy)
          else above.add(parent)
        }
      }
      nodes = [...above]
    }
    return policies
  }
}

/** Which nodes expect a policy: with every node named as often as it has expectations, so linear in what certificates say. */
function byExpected(level: Level): ReadonlyMap<string, readonly Node[]> {
  const expecting = new Map<string, Node[]>()
  for (const node of level.values()) {
    for (const policy of node.expected) {
      const nodes = expecting.get(policy)
      if (nodes === undefined) expecting.set(policy, [node])
      else nodes.push(node)
    }
  }
  return expecting
}

/** The subject's policies by the issuer's policy that they are equivalent to. */
function groupMappings(mappings: readonly PolicyMapping[]): ReadonlyMap<string, ReadonlySet<string>> {
  const groups = new Map<string, Set<string>>()
  for (const { issuerDomain, subjectDomain } of mappings) {
    const group = groups.get(issuerDomain)
    if (group === undefined) groups.set(issuerDomain, new Set([subjectDomain]))
    else group.add(subjectDomain)
  }
  return groups
}
