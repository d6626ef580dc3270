/** Of a Babel path (Stryker's instrumenter), what is looked at. */
interface AstPath {
  readonly node: {
    readonly type: string
    readonly value?: unknown
    readonly quasis?: readonly { readonly value: { readonly raw: string } }[]
  }
}

/** Text for people has a space in it; codes, names of fields and algorithms have none. */
function isMessage({ node }: AstPath): boolean {
  if (node.type === 'StringLiteral') return typeof node.value === 'string' && node.value.includes(' ')
  return node.type === 'TemplateLiteral' && (node.quasis ?? []).some(({ value }) => value.raw.includes(' '))
}

/** What Stryker loads: tests need not hold the wording of messages, so that no mutant is made of it. */
export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'messages',
    value: {
      shouldIgnore: (path: AstPath): string | undefined =>
        isMessage(path) ? 'The wording of a message.' : undefined,
    },
  },
]
