import type { ClassedDomain, ImageClass, Split } from '../data/domain.ts';
import { splits } from '../data/domain.ts';
import { someOf } from '../run/some-of.ts';

/** What the classes of a split are for. */
const purposes: Readonly<Record<Split, string>> = { train: 'train', val: 'validate', test: 'test' };

/** Most classes of a split that are named. */
const mostNamed = 8;

/** Which classes train, validate and test: a paragraph a domain. */
export function classTable(domains: readonly ClassedDomain[]): string {
  return domains
    .map(({ name, classes }) => {
      const lines = splits.map((split) => {
        const own = classes.filter((one) => one.split === split);
        return `  ${purposes[split].padEnd(8)}  ${counted(own)}${own.length === 0 ? '' : `: ${namesOf(own)}`}`;
      });
      return [`${name}: ${counted(classes)}`, ...lines].join('\n');
    })
    .join('\n');
}

function counted(classes: readonly ImageClass[]): string {
  const names = new Set(classes.map(({ name }) => name)).size;
  const images = classes.reduce((sum, { count }) => sum + count, 0);
  return `${names} ${names === 1 ? 'class' : 'classes'}, ${images} ${images === 1 ? 'image' : 'images'}`;
}

const namesOf = (classes: readonly ImageClass[]): string =>
  someOf(
    classes.map(({ name }) => name),
    mostNamed,
  ).join(', ');
