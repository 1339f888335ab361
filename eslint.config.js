import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * What the files of a folder may import of other top folders (docs/architecture.md), and of packages where these are
 * listed. What is not in `folders` is forbidden, folders that do not exist yet among it.
 */
const layers = {
  web: { folders: ['client', 'model', 'drawing', 'images/pixels', 'contract'] },
  client: { folders: ['contract'] },
  'client/examples': { folders: ['images/pixels'], files: ['index.ts'] },
  server: { folders: ['model', 'engine', 'images', 'drawing', 'contract'] },
  training: { folders: ['model', 'engine', 'images', 'drawing'] },
  contract: { folders: [] },
  drawing: { folders: ['model'] },
  images: { folders: [] },
  'images/pixels': { folders: [], packages: [] },
  engine: { folders: ['model/graph', 'model/trunk'] },
  model: { folders: [], packages: ['zod', 'protobufjs'] },
  'model/graph': { folders: [], packages: ['protobufjs'] },
  'model/trunk': { folders: ['graph'], packages: ['protobufjs'] },
};

const DEPTHS = [0, 1, 2, 3, 4, 5];

/** The rules of one layer, for each depth of its files: what leaves the layer has so many steps up and one more. */
function layerRules(name, { folders, files = [], packages }) {
  const allowed = [...folders.map((folder) => `${folder}/`), ...files.map((file) => `${file}$`)].join('|');
  const pure = packages && [
    {
      regex: `^(?!\\.)(?!(${packages.join('|')})(/|$))`,
      message: `${name}/ is pure: no I/O, no runtime; of packages only: ${packages.join(', ') || 'none'}.`,
    },
  ];
  return DEPTHS.map((depth) => ({
    files: [`${name}/${'*/'.repeat(depth)}*.{ts,tsx}`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              // out of the layer's folder, and not down again into what is allowed
              regex: `^(\\.\\./){${depth + 1},}(?!\\.\\./)${allowed === '' ? '' : `(?!(?:${allowed.replaceAll('.', '\\.')}))`}`,
              message: `${name}/ may import of other folders only: ${folders.join(', ') || 'none'} (docs/architecture.md).`,
            },
            ...(pure ?? []),
          ],
        },
      ],
      // which no-restricted-imports does not see
      ...(packages && {
        'no-restricted-syntax': [
          'error',
          { selector: 'ImportExpression', message: `${name}/ is pure: it loads nothing while it runs.` },
        ],
      }),
    },
  }));
}

export default tseslint.config(
  {
    ignores: [
      'node_modules',
      'runs',
      'dist',
      'client/dist',
      'contract/openapi.ts',
      'model/graph/onnx/proto.*',
      'training/optimizer/kernels/assembly',
      'training/optimizer/kernels/binary.ts',
      'images/pixels/assembly',
      'images/pixels/binary.ts',
      'training/planes/assembly',
      'training/planes/binary.ts',
      'checkpoints',
    ],
  },
  eslint.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      eqeqeq: 'error',
    },
  },
  ...Object.entries(layers).flatMap(([name, layer]) => layerRules(name, layer)),
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
