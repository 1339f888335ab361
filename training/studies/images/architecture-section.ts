import { table } from '../../report/markdown.ts';
import type { Tally } from '../../report/statistics.ts';
import { thousands } from './format.ts';
import { architectures, domainsOf, networkWeights, preferencesOf } from './measures.ts';
import type { ImageResult } from './result.ts';

/** Architectures that are listed of a run, the most frequent ones. */
const listed = 10;

/** Whether domains get different architectures, in words. */
function preferenceText(found: readonly Tally[], domains: readonly string[]): string {
  if (found.length === 1) return 'All tasks have the same.';
  const { favourites, byDomain, overall } = preferencesOf(found);
  const named = [...new Set(favourites)]
    .sort((a, b) => a - b)
    .map((favourite) => {
      const own = domains.filter((_, domain) => favourites[domain] === favourite);
      return `number ${favourite + 1} in ${own.join(', ')}`;
    });
  const share = (value: number): string => `${(100 * value).toFixed(1)} %`;
  return `Most frequent is ${named.join('; ')}. ${share(byDomain)} of the tasks have the most frequent one of their domain, ${share(overall)} that of all.`;
}

/** Which architectures the test tasks of each run decode to, and how they divide among the domains. */
export function architectureSection(results: readonly ImageResult[]): string {
  const parts = results.flatMap((result) => {
    const found = architectures(result);
    if (found.length === 0) return [];
    const rows = found
      .slice(0, listed)
      .map(({ key, counts, total }, i) => [
        `${i + 1}`,
        `\`${key}\``,
        thousands(networkWeights(result, key)),
        ...counts.map(String),
        `${total}`,
      ]);
    const more = found.length > listed ? ` The ${listed} most frequent:` : '';
    const domains = domainsOf(result);
    return [
      `### ${result.name}, seed ${result.seed}\n\n${found.length} distinct. ${preferenceText(found, domains)}${more}\n\n${table(['', 'architecture', 'weights', ...domains, 'all'], rows)}\n`,
    ];
  });
  return parts.length === 0
    ? ''
    : `## Architectures that the test tasks decode to\n\nTest tasks of every domain and shot by the architecture that the controller gives them. A key has the normal and the reduction cell, nodes separated by points; every edge is a source and an operation (m, a: max and average pooling; i: skip connection; s, S: separable convolution 3×3 and 5×5; d, D: dilated convolution 3×3 and 5×5).\n\n${parts.join('\n')}`;
}
