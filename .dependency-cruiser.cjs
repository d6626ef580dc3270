// The layer order of docs/architecture.md: a folder imports only from folders above it in this list.
const layers = [
  'model',
  'pki',
  'journal',
  'store',
  'probes',
  'collectors',
  'rules',
  'alerts',
  'remediation',
  'reports',
  'dashboards',
  'server',
  'cli',
]
const below = (i) => layers.slice(i + 1).join('|')

module.exports = {
  forbidden: [
    ...layers.slice(0, -1).map((layer, i) => ({
      name: `layer-${layer}`,
      severity: 'error',
      from: { path: `^${layer}/` },
      to: { path: `^(${below(i)})/` },
    })),
    {
      name: 'no-lab',
      comment: 'The product imports nothing of the lab; only the commands that are about it load it.',
      severity: 'error',
      from: { pathNot: '^(lab|test|bench)/|^cli/(commands/lab\\.ts$|demo/)' },
      to: { path: '^lab/' },
    },
    {
      name: 'no-io-in-model-and-pki',
      severity: 'error',
      from: { path: '^(model|pki)/' },
      to: { path: '^(node:)?(fs|net|tls|http|https|dns|child_process|worker_threads)(/|$)' },
    },
    {
      name: 'ocsp-package-only-in-lab-and-tests',
      severity: 'error',
      from: { pathNot: '^(lab|test|bench)/' },
      to: { path: 'node_modules/ocsp/' },
    },
    {
      name: 'second-implementations-only-in-tests',
      comment: 'They are development dependencies; @peculiar/x509 brings an asn1js of its own.',
      severity: 'error',
      from: { pathNot: '^(test|bench)/' },
      to: { path: 'node_modules/(@peculiar|@noble)/' },
    },
    {
      name: 'dashboards-only-at-development-time',
      comment: 'They generate files that are committed; a running vigil reads none of it.',
      severity: 'error',
      from: { pathNot: '^(dashboards|scripts|test)/' },
      to: { path: '^dashboards/' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}
