import { dirname, join, relative } from 'node:path/posix';

/** The ESLint rule of the layers (eslint.config.js): what a file may import of other folders, and of packages. */

const inside = (path, entry) => path === entry || path.startsWith(`${entry}/`);

/** The longest of the folders and files that holds `path`; undefined where none does. */
const holderOf = (path, entries) =>
  entries.filter((entry) => inside(path, entry)).sort((a, b) => b.length - a.length)[0];

/** Why the file of layer `layer` may not import `source`; undefined if it may. */
function refusal(file, layer, source, { layers, packages }) {
  if (source.startsWith('.')) {
    const target = join(dirname(file), source);
    const allowed = layers[layer];
    if (holderOf(target, Object.keys(layers)) === layer || allowed.some((entry) => inside(target, entry)))
      return undefined;
    return `${layer} may import of other folders only: ${allowed.join(', ') || 'none'} (docs/architecture.md).`;
  }
  const pure = holderOf(file, Object.keys(packages));
  if (pure === undefined || packages[pure].some((name) => inside(source, name))) return undefined;
  return `${pure} is pure: no I/O, no runtime; of packages only: ${packages[pure].join(', ') || 'none'}.`;
}

export const layersRule = {
  meta: { type: 'problem', schema: [{ type: 'object' }] },
  create(context) {
    const [tables] = context.options;
    const file = relative(context.cwd.replaceAll('\\', '/'), context.filename.replaceAll('\\', '/'));
    const layer = holderOf(file, Object.keys(tables.layers));
    if (layer === undefined) return {};
    const check = (node) => {
      if (typeof node.source?.value !== 'string') return; // nothing is imported, or what is computed
      const message = refusal(file, layer, node.source.value, tables);
      if (message !== undefined) context.report({ node, message });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      TSImportType: check,
      ImportExpression(node) {
        const pure = holderOf(file, Object.keys(tables.packages));
        if (pure === undefined) check(node);
        else context.report({ node, message: `${pure} is pure: it loads nothing while it runs.` });
      },
    };
  },
};
