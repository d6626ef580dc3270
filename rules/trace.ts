import { serialize, type ASTNode } from '@marcbachmann/cel-js'

/** One part of an expression, as written in CEL. */
export interface Part {
  readonly source: string
  /** 0 for the whole. */
  readonly depth: number
}

/** Macros bind names that mean nothing outside of them; what they go over is shown, what they do with each is not. */
const MACROS = new Set(['all', 'exists', 'exists_one', 'map', 'filter', 'bind'])

/** The parts of an expression that have a value of their own: the whole first, then what it is made of. */
export function partsOf(root: ASTNode): readonly Part[] {
  const parts: Part[] = []
  const seen = new Set<string>()
  const visit = (node: ASTNode, depth: number): void => {
    if (node.op === 'value' || node.op === 'list') return
    const source = serialize(node)
    if (seen.has(source)) return
    seen.add(source)
    parts.push({ source, depth })
    for (const child of childrenOf(node)) visit(child, depth + 1)
  }
  visit(root, 0)
  return parts
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
    // A fact or a parameter: its group has no value of its own.
    case '.':
    case '.?':
    case 'list':
    case 'map':
      return []
    case '!_':
    case '-_':
      return [node.args]
    case 'call': {
      const [name, args] = node.args
      return name === 'has' || name === 'duration' || name === 'timestamp' ? [] : args
    }
    case 'rcall': {
      const [name, receiver, args] = node.args
      if (name === 'bind') return []
      return MACROS.has(name) ? [receiver] : [receiver, ...args]
    }
    case '?:':
      return node.args
    case '[]':
    case '[?]':
    case '||':
    case '&&':
    case '!=':
    case '==':
    case 'in':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return node.args
  }
}
