import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ANY_POLICY } from '../../pki/policyExtensions.ts'
import type { PolicyInformation, PolicyMapping } from '../../pki/policyExtensions.ts'
import { PolicyGraph } from '../../pki/policyGraph.ts'

/** What one certificate says to the policies of a path. */
interface Step {
  /** undefined: it has no certificatePolicies. */
  readonly policies: readonly string[] | undefined
  readonly anyPolicy: 'allowed' | 'inhibited'
  readonly mappings: readonly (readonly [string, string])[]
  readonly mapping: 'allowed' | 'inhibited'
}

/** The valid_policy_tree of RFC 5280, word for word: one node for each way down. */
interface TreeNode {
  readonly policy: string
  readonly parent: TreeNode | undefined
  expected: readonly string[]
  children: TreeNode[]
}

class PolicyTree {
  readonly root: TreeNode = { policy: ANY_POLICY, parent: undefined, expected: [ANY_POLICY], children: [] }
  #depth = 0

  nodesAt(depth: number): TreeNode[] {
    let nodes = [this.root]
    for (let i = 0; i < depth; i++) nodes = nodes.flatMap(({ children }) => children)
    return nodes
  }

  get leaves(): TreeNode[] {
    return this.nodesAt(this.#depth)
  }

  #add(parent: TreeNode, policy: string, expected: readonly string[] = [policy]): void {
    parent.children.push({ policy, parent, expected, children: [] })
  }

  /** 6.1.3 (d) (3). */
  #prune(): void {
    for (let depth = this.#depth - 1; depth >= 0; depth--) {
      for (const node of this.nodesAt(depth)) {
        node.children = node.children.filter(
          (child) => depth === this.#depth - 1 || child.children.length > 0,
        )
      }
    }
  }

  apply({ policies, anyPolicy, mappings, mapping }: Step): void {
    const above = this.leaves
    this.#depth++
    // 6.1.3 (d) (1)
    for (const policy of policies ?? []) {
      if (policy === ANY_POLICY) continue
      const matching = above.filter(({ expected }) => expected.includes(policy))
      for (const node of matching) this.#add(node, policy)
      const any = above.find((node) => node.policy === ANY_POLICY)
      if (matching.length === 0 && any !== undefined) this.#add(any, policy)
    }
    // (d) (2)
    if (anyPolicy === 'allowed' && policies?.includes(ANY_POLICY) === true) {
      for (const node of above) {
        for (const policy of node.expected) {
          if (!node.children.some((child) => child.policy === policy)) this.#add(node, policy)
        }
      }
    }
    this.#prune()
    // 6.1.4 (b)
    for (const issuerDomain of new Set(mappings.map(([from]) => from))) {
      const expected = mappings.filter(([from]) => from === issuerDomain).map(([, to]) => to)
      const mapped = this.leaves.filter(({ policy }) => policy === issuerDomain)
      if (mapping === 'inhibited') {
        for (const { parent } of mapped) {
          if (parent !== undefined) parent.children = parent.children.filter((node) => !mapped.includes(node))
        }
        this.#prune()
      } else if (mapped.length > 0) for (const node of mapped) node.expected = expected
      else {
        const any = this.leaves.find(({ policy }) => policy === ANY_POLICY)
        if (any?.parent !== undefined) this.#add(any.parent, issuerDomain, expected)
      }
    }
  }

  /** 6.1.5 (g), and the policies of the anchor's domain that are left. */
  accepted(initial: ReadonlySet<string>): ReadonlySet<string> {
    const reaches = (node: TreeNode, depth: number): boolean =>
      depth === this.#depth || node.children.some((child) => reaches(child, depth + 1))
    const domain = (node: TreeNode, depth: number): string[] =>
      node.policy === ANY_POLICY
        ? [
            ...(depth === this.#depth ? [ANY_POLICY] : []),
            ...node.children
              .filter((child) => reaches(child, depth + 1))
              .flatMap((child) => domain(child, depth + 1)),
          ]
        : [node.policy]
    const valid = new Set(domain(this.root, 0))
    if (initial.has(ANY_POLICY)) return valid
    return valid.has(ANY_POLICY) ? initial : new Set([...initial].filter((policy) => valid.has(policy)))
  }
}

const NAMED = ['1.1', '1.2', '1.3']
const named = fc.constantFrom(...NAMED)
const step: fc.Arbitrary<Step> = fc.record({
  policies: fc.option(fc.uniqueArray(fc.constantFrom(...NAMED, ANY_POLICY)), { nil: undefined, freq: 12 }),
  anyPolicy: fc.constantFrom('allowed', 'allowed', 'allowed', 'inhibited'),
  mappings: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.tuple(named, named), { maxLength: 4 }) },
  ),
  mapping: fc.constantFrom('allowed', 'allowed', 'allowed', 'inhibited'),
})
const initial = fc.oneof(
  fc.constant(new Set([ANY_POLICY])),
  fc.uniqueArray(named, { minLength: 1 }).map((policies) => new Set(policies)),
)

function information(policies: readonly string[] | undefined): PolicyInformation[] | undefined {
  return policies?.map((policy) => ({ policy, qualifiers: [] }))
}

function pairs(mappings: Step['mappings']): PolicyMapping[] {
  return mappings.map(([issuerDomain, subjectDomain]) => ({ issuerDomain, subjectDomain }))
}

function graphOf(steps: readonly Step[]): PolicyGraph {
  const graph = new PolicyGraph()
  for (const { policies, anyPolicy, mappings, mapping } of steps) {
    graph.descend(information(policies), anyPolicy)
    if (mapping === 'allowed') graph.map(pairs(mappings))
    else graph.forbid(pairs(mappings))
  }
  return graph
}

describe('policy graph (RFC 9618)', () => {
  it('says what the tree of RFC 5280 says', () => {
    let accepting = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), initial, (steps, wanted) => {
        const tree = new PolicyTree()
        for (const one of steps) tree.apply(one)
        const graph = graphOf(steps)
        assert.equal(graph.isNull, tree.leaves.length === 0)
        const policies = graph.accepted(wanted)
        assert.deepEqual([...policies].sort(), [...tree.accepted(wanted)].sort())
        if (policies.size > 0) accepting++
      }),
      { numRuns: 3000 },
    )
    assert.ok(accepting > 300, `only ${accepting} cases had a policy left`)
  })

  it('does not grow with the number of ways in which policies are mapped', () => {
    const policies = Array.from({ length: 16 }, (_, i) => `1.${i}`)
    const everything: Step = {
      policies,
      anyPolicy: 'allowed',
      // 256 mappings in each of 12 certificates: the tree would have 16^12 leaves.
      mappings: policies.flatMap((from) => policies.map((to): [string, string] => [from, to])),
      mapping: 'allowed',
    }
    const start = process.cpuUsage()
    const graph = graphOf(Array.from({ length: 12 }, () => everything))
    assert.equal(graph.accepted(new Set([ANY_POLICY])).size, 16)
    const { user, system } = process.cpuUsage(start)
    assert.ok(user + system < 500_000, `took ${(user + system) / 1000} ms of CPU`)
  })
})
