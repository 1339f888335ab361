import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * Layers, top to bottom: a file may import from its own folder and from those below it, never upwards.
 * `model/` is pure: no Node built-in, no I/O, so that it also runs in a browser.
 */
const layers = {
  web: { forbidden: ['server(?!/openapi\\.ts)', 'training', 'images', 'engine', 'bench', 'test'] },
  client: {
    forbidden: ['server(?!/openapi\\.ts)', 'web', 'training', 'images', 'engine', 'model', 'bench', 'test'],
  },
  server: { forbidden: ['client', 'web', 'training', 'bench', 'test'] },
  training: { forbidden: ['web', 'server', 'bench', 'test'] },
  drawing: { forbidden: ['web', 'server', 'training', 'images', 'engine', 'bench', 'test'] },
  images: { forbidden: ['web', 'server', 'training', 'drawing', 'model', 'engine', 'bench', 'test'] },
  engine: {
    forbidden: ['web', 'server', 'training', 'drawing', 'images', 'bench', 'test'],
    modelOnly: 'graph',
  },
  model: {
    forbidden: ['web', 'server', 'training', 'drawing', 'images', 'engine', 'bench', 'test'],
    packages: ['zod', 'protobufjs'],
  },
  'model/graph': {
    forbidden: ['web', 'server', 'training', 'drawing', 'images', 'engine', 'bench', 'test'],
    packages: ['protobufjs'],
    root: true,
  },
};

function layerRule(name, { forbidden, packages, modelOnly, root }) {
  const patterns = [
    {
      regex: `^(\\.\\./)+(${forbidden.join('|')})/`,
      message: `${name}/ must not import from a layer above it (docs/architecture.md).`,
    },
  ];
  if (packages)
    patterns.push({
      regex: `^(?!\\.)(?!(${packages.join('|')})(/|$))`,
      message: `${name}/ is pure: no I/O, no runtime; of packages only ${packages.join(', ')}.`,
    });
  if (modelOnly)
    patterns.push({ regex: `^(\\.\\./)+model/(?!${modelOnly}/)`, message: `${name}/ knows graphs only.` });
  const rules = { 'no-restricted-imports': ['error', { patterns }] };
  if (!root) return [{ files: [`${name}/**/*.{ts,tsx}`], rules }];
  // A file at depth d below the folder leaves it with d + 1 steps up.
  return [0, 1, 2].map((depth) => ({
    files: [`${name}/${'*/'.repeat(depth)}*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            ...patterns,
            {
              regex: `^(\\.\\./){${depth + 1}}`,
              message: `${name}/ knows nothing outside itself (docs/architecture.md).`,
            },
          ],
        },
      ],
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
      'server/openapi.ts',
      'model/graph/onnx/proto.*',
      'model/kernels/assembly',
      'model/kernels/binary.ts',
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
  ...Object.entries(layers).flatMap(([name, rule]) => layerRule(name, rule)),
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
