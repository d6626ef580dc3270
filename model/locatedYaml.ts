import { isMap, isNode, isScalar, LineCounter, parseDocument, type Document } from 'yaml'
import type { Problem } from './problem.ts'
import { messageOf } from './thrown.ts'

type Path = readonly (string | number)[]

/** A YAML file whose values still know on which line they stand. */
export interface LocatedYaml {
  readonly value: unknown
  readonly problem: (path: Path, message: string) => Problem
}

type ParsedYaml =
  | { readonly ok: true; readonly yaml: LocatedYaml }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** Bounds what nested aliases can grow into. */
const MAX_ALIASES = 50

export function parseLocatedYaml(text: string, file: string): ParsedYaml {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => ({
      file,
      line: lines.linePos(error.pos[0]).line,
      path: [],
      message: `not valid YAML: ${error.message.split('\n')[0] ?? error.message}`,
    }))
    return { ok: false, problems }
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES })
  } catch (error) {
    const message = `aliases: ${messageOf(error)}`
    return { ok: false, problems: [{ file, line: 1, path: [], message }] }
  }
  const problem = (path: Path, message: string): Problem => ({
    file,
    line: lineOf(document, lines, path),
    path,
    message,
  })
  return { ok: true, yaml: { value, problem } }
}

/** Line of the key at the path, or of the nearest enclosing node that is there. */
function lineOf(document: Document, lines: LineCounter, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true)
    const last = path[length - 1]
    const key = isMap(parent)
      ? parent.items.map((pair) => pair.key).find((k) => isScalar(k) && k.value === last)
      : undefined
    const node = isNode(key) ? key : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return 1
}
