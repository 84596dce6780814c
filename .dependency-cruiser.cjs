/** The import rules of libs/README.md: imports run downward only, and a library's public face is its index.ts. */
const MAY_IMPORT = {
  tlog: [],
  fsck: ['tlog'],
  platform: ['tlog'],
  media: [],
  storage: ['platform'],
  custody: ['tlog', 'platform', 'storage'],
  identity: ['custody', 'platform', 'tlog'],
  evidence: ['identity', 'custody', 'storage', 'media', 'platform', 'tlog'],
  access: ['evidence', 'identity', 'custody', 'media', 'platform', 'tlog'],
  redaction: ['evidence', 'identity', 'custody', 'media', 'platform', 'tlog'],
  retention: ['evidence', 'identity', 'custody', 'platform', 'tlog'],
  reports: ['access', 'redaction', 'retention', 'evidence', 'identity', 'custody', 'platform', 'tlog'],
};
const TESTS = '\\.(int-|e2e-)?spec\\.ts$|/testing/';

const downward = Object.entries(MAY_IMPORT).map(([lib, below]) => ({
  name: `${lib}-imports-downward`,
  comment: `libs/${lib} may import ${below.length === 0 ? 'nothing of ours' : below.join(', ')}`,
  severity: 'error',
  from: { path: `^libs/${lib}/`, pathNot: TESTS },
  to: { path: '^(libs|apps|test)/', pathNot: [`^libs/${lib}/`, ...below.map((name) => `^libs/${name}/src/index\\.ts$`)] },
}));

const only = (app, allowed) => ({
  name: `${app}-stands-alone`,
  severity: 'error',
  from: { path: `^apps/${app}/`, pathNot: TESTS },
  to: { path: '^(libs|apps)/', pathNot: [`^apps/${app}/`, ...allowed.map((name) => `^libs/${name}/src/index\\.ts$`)] },
});

module.exports = {
  forbidden: [
    ...downward,
    only('verifier', ['tlog', 'fsck']),
    only('dock', ['tlog']),
    only('witness', ['tlog']),
    only('console', []),
    {
      name: 'verifier-and-witness-use-node-only',
      severity: 'error',
      from: { path: '^apps/(verifier|witness)/', pathNot: TESTS },
      to: { path: 'node_modules' },
    },
    {
      name: 'tlog-is-pure',
      severity: 'error',
      from: { path: '^libs/tlog/', pathNot: `${TESTS}|sample-log` },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'tlog-needs-nothing',
      severity: 'error',
      from: { path: '^libs/tlog/', pathNot: TESTS },
      to: { path: 'node_modules' },
    },
    {
      name: 'fsck-fits-into-one-file',
      comment: 'libs/fsck is bundled into custodiet-verify: it speaks to PostgreSQL and S3, and needs nothing else',
      severity: 'error',
      from: { path: '^libs/fsck/', pathNot: TESTS },
      to: { path: 'node_modules', pathNot: 'node_modules/(pg|@types/pg|@aws-sdk/client-s3)/' },
    },
    {
      name: 'public-face-only',
      severity: 'error',
      from: { path: '^(apps|test)/', pathNot: `${TESTS}|^test/attacks/` },
      to: { path: '^libs/[^/]+/src/', pathNot: ['^libs/[^/]+/src/index\\.ts$'] },
    },
    {
      name: 'tests-prepare-with-what-libraries-test-with',
      severity: 'error',
      from: { path: `^(apps|test)/.*(${TESTS})|^test/attacks/` },
      to: { path: '^libs/[^/]+/src/', pathNot: ['^libs/[^/]+/src/(index\\.ts$|sample-log\\.ts$|testing/)'] },
    },
    {
      name: 'apps-never-import-apps',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'product-never-imports-tests',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: TESTS },
      to: { path: '^test/' },
    },
    {
      name: 'rules-are-pure',
      severity: 'error',
      from: { path: '\\.rules\\.ts$' },
      to: { path: 'node_modules/(@nestjs|typeorm)/' },
    },
    {
      name: 'fluent-ffmpeg-in-one-file',
      severity: 'error',
      from: { path: '^(apps|libs|test)/', pathNot: '^libs/media/src/ffmpeg-runner\\.ts$' },
      to: { path: 'node_modules/(@types/)?fluent-ffmpeg' },
    },
    {
      name: 'storage-behind-services',
      comment: 'Controllers never touch the store. DESIGN.md §6 rule 2',
      severity: 'error',
      from: { path: '\\.controller\\.ts$', pathNot: 'health\\.controller' },
      to: { path: '^libs/storage/' },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'nothing-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.data)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.css', '.d.ts'],
    },
  },
};
