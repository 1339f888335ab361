import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { complaintsOf, shrunk } from './prose/debts.ts';
import type { Debts } from './prose/debts.ts';
import { faultsOf } from './prose/faults.ts';
import { deadLinksOf } from './prose/links.ts';

/**
 * Holds the Markdown of the repository to its rule (scripts/prose/README.md) and exits with an error where a
 * page breaks it. With `--shrink` it lowers the debts to what is left; with a page's path it shows that
 * page's faults, debts or not.
 */
const root = new URL('../', import.meta.url);
const list = new URL('prose/debts.json', import.meta.url);
/** Pages that a command writes. */
const generated = /^docs\/results\//;

const [argument] = process.argv.slice(2);
const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
});
const pages = tracked
  .split('\n')
  .filter((page) => page !== '' && !generated.test(page) && existsSync(new URL(page, root)));
const debts = JSON.parse(readFileSync(list, 'utf8')) as Debts;

const found = new Map(pages.map((page) => [page, faultsOf(readFileSync(new URL(page, root), 'utf8'))]));
const counts = Object.fromEntries([...found].map(([page, faults]) => [page, faults.length]));

const show = (page: string) => {
  for (const { line, what } of found.get(page) ?? []) console.error(`${page}:${line}: ${what}`);
};
if (argument === '--shrink') writeFileSync(list, `${JSON.stringify(shrunk(counts, debts), null, 2)}\n`);
else if (argument !== undefined) show(argument);
else {
  const complaints = complaintsOf(counts, debts);
  for (const complaint of complaints) {
    const page = complaint.slice(0, complaint.indexOf(':'));
    if ((counts[page] ?? 0) > (debts[page] ?? 0)) show(page);
    console.error(complaint);
  }
  const dead = pages.flatMap((page) =>
    deadLinksOf(new URL(page, root)).map((target) => `${page}: the link ${target} leads nowhere`),
  );
  for (const line of dead) console.error(line);
  if (complaints.length > 0 || dead.length > 0) process.exitCode = 1;
}
