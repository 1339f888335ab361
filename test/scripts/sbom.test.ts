import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Component {
  readonly name: string;
  readonly scope: string;
  readonly hashes?: readonly unknown[];
}

// not with --omit=dev, which leaves out what development uses, too (tsx, yaml)
test('npm run sbom lists what the service depends on as required, the tools of development as optional', () => {
  const text = execFileSync('npm', ['run', '-s', 'sbom'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  const { bomFormat, components } = JSON.parse(text) as { bomFormat: string; components: Component[] };
  expect(bomFormat).toBe('CycloneDX');
  const { dependencies } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {
    dependencies: object;
  };
  const names = (scope: string) => components.filter((one) => one.scope === scope).map(({ name }) => name);
  expect(names('required')).toEqual(expect.arrayContaining(Object.keys(dependencies)));
  for (const tool of ['vitest', 'eslint', 'playwright-core']) expect(names('optional')).toContain(tool);
  for (const { name, hashes = [] } of components) expect(hashes.length, name).toBeGreaterThan(0);
});
