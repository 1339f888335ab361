import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { imageFigures } from '../../../../training/studies/images/figures/table.ts';
import { readStudyConfiguration } from '../../../../training/studies/images/configuration.ts';
import { signed, thousands } from '../../../../training/studies/images/format.ts';
import { imageReport, inOrder } from '../../../../training/studies/images/report.ts';
import { readEmbeddings, readResults } from '../../../../training/studies/images/result.ts';
import type { ImageSetting } from '../../../../training/studies/images/result.ts';
import { keyOf, resultOf, settingOf } from '../../../support/image-results.ts';

const lines = (report: string, start: string): string[] =>
  report.split('\n').filter((line) => line.startsWith(start));
const section = (report: string, title: string): string =>
  report.split('\n## ').find((part) => part.startsWith(title)) ?? '';

/** 60 %, 40 % and so on of 75 queries. */
const right = (...shares: readonly number[]): number[] => shares.map((share) => 75 * share);
const domains = ['bird', 'aircraft', 'texture', 'dtd', 'grocery'];

/** Every domain at 1 and 5 shots; `of` gives the right answers of its tasks. */
const settings = (of: (domain: string, shot: number) => readonly number[], genotypes = true) =>
  domains.flatMap((domain) =>
    [1, 5].map((shot) =>
      settingOf(domain, shot, of(domain, shot), {
        genotypes: genotypes ? { [keyOf(domain === 'bird' ? 0 : 1)]: 3, [keyOf(0)]: 1 } : {},
      }),
    ),
  );

/** Those of the first two tasks. */
const fewer = (all: readonly ImageSetting[]): ImageSetting[] =>
  all.map((own) => ({
    ...own,
    queries: own.queries.slice(0, 2),
    served: own.served.slice(0, 2),
    transductive: own.transductive.slice(0, 2),
  }));

const mnas = resultOf(
  'm-nas',
  settings((domain) => (domain === 'bird' ? right(0.6, 0.8, 0.6, 0.8) : right(0.6, 0.6, 0.6, 0.6))),
);
const shared = resultOf(
  'm-nas-shared',
  settings(() => right(0.6, 0.6, 0.6, 0.6)),
);
const maml = resultOf(
  'maml',
  settings((_, shot) => (shot === 1 ? right(0.56, 0.56, 0.56, 0.56) : right(0.6, 0.6, 0.6, 0.6)), false),
);

describe('the report of the image study', () => {
  it('is the one that the kept results give', async () => {
    const folder = 'docs/results/images';
    const results = inOrder(await readResults(folder));
    const report = imageReport(results, imageFigures(results, await readEmbeddings(folder)));
    expect(report).toBe(await readFile('docs/results/images.md', 'utf8'));
    for (const [, path] of report.matchAll(/\]\((images\/figures\/[^)]+)\)/g))
      expect(await readFile(`docs/results/${path!}`, 'utf8')).toContain('<svg');
  });

  it('tells of runs that mirror how many tasks of each domain are, and compares no run with itself', () => {
    const mirrors = (count: number) => ({
      ...mnas,
      settings: mnas.settings.map((own) => ({ ...own, mirrored: own.shot === 1 ? count : 0 })),
    });
    expect(lines(imageReport([mirrors(3)], []), '| m-nas | 1 | 1 | 75.0 | 75.0 |')).toHaveLength(1);
    for (const result of [mnas, mirrors(0)]) expect(section(imageReport([result], []), 'Mirrored')).toBe('');
    const control = { ...mnas, name: 'conv4-class-means' };
    const differences = section(imageReport([mnas, control], []), 'Paired differences');
    expect(differences).toContain('| m-nas − conv4-class-means |');
    expect(differences).not.toContain('conv4-class-means − conv4-class-means');
  });

  it('says without any run what is missing and how to make it, and nothing else', () => {
    const report = imageReport([], imageFigures([], {}));
    expect(lines(report, '## ')).toEqual(['## Missing']);
    for (const row of ['maml', 'm-nas-nm', 'm-nas-shared', 'm-nas'])
      expect(report).toContain(`- ${row}: \`npm run benchmark -- images --rows ${row}\``);
  });

  it('tells of one run alone its accuracies beside the floors, and what its goals lack', () => {
    const report = imageReport([mnas], []);
    // bird: 70 ± 1.96 · 11.547 / 2; multi: (70 + 3 · 60) / 4, its interval a quarter of that of bird
    const served = lines(section(report, 'Accuracy'), '| m-nas |')[0]!;
    expect(served).toContain('| 70.00 ± 11.32 | 60.00 ± 0.00 |');
    expect(served).toMatch(/\| 62\.50 ± 2\.83 \| 62\.00 ± 2\.26 \|$/);
    const transductive = lines(section(report, 'Accuracy'), '| m-nas |')[1]!;
    expect(transductive).toMatch(/\| 66\.50 ± 2\.83 \| 66\.00 ± 2\.26 \|$/);
    expect(lines(report, '| floor: colours |')[0]).toMatch(/\| 40\.00 ± 0\.4\d \|$/);
    const goals = section(report, 'Against the goals');
    expect(lines(goals, '| m-nas | 1 | 4 points ahead of MAML, multi | 1 |')).toEqual([
      '| m-nas | 1 | 4 points ahead of MAML, multi | 1 |  | not measured: no run of maml with seed 1 |',
    ]);
    expect(goals).toContain('| bird at least 60 %, served | 1 | 70.00 | reached |');
    expect(goals).toContain('| bird at least 76 %, served | 5 | 70.00 | missed by 6.00 |');
    expect(goals).toContain('| multi at least 64 %, served | 1 | 62.50 | missed by 1.50 |');
    expect(goals).toContain(
      '| mini-imagenet at least 45 %, served | 1 |  | not measured: domains are missing |',
    );
    expect(goals).toContain(
      '| served within 2 points of transductive, mean | 1 | +4.00 ± 0.00 | missed by 2.00 |',
    );
    expect(goals).toContain('| calibration error at most 5 % | 5 | 3.00 | reached |'); // 65 % claimed, 62 % right
    expect(section(report, 'Missing')).not.toContain('- m-nas:');
    expect(report).not.toContain('## Paired differences');
    expect(report).not.toContain('## Ablations');
  });

  it('compares runs on the same tasks, task by task', () => {
    const report = imageReport([mnas, shared, maml], []);
    const paired = section(report, 'Paired differences');
    // bird at 1 shot: +4, +24, +4, +24 points on MAML, so ± 1.96 · 11.547 / 2
    expect(lines(paired, '| m-nas − maml | 1 | 1 |')[0]).toContain('| +14.00 ± 11.32 | +4.00 ± 0.00 |');
    expect(lines(paired, '| m-nas − maml | 1 | 1 |')[0]).toMatch(/\| \+6\.50 ± 2\.83 \| \+6\.00 ± 2\.26 \|$/);
    expect(lines(paired, '| m-nas − m-nas-shared | 1 | 5 |')[0]).toMatch(
      /\| \+2\.50 ± 2\.83 \| \+2\.00 ± 2\.26 \|$/,
    );
    const goals = section(report, 'Against the goals');
    expect(goals).toContain('| 4 points ahead of MAML, multi | 1 | +6.50 ± 2.83 | reached |');
    expect(goals).toContain('| 4 points ahead of MAML, multi | 5 | +2.50 ± 2.83 | missed by 1.50 |');
    expect(goals).toContain(
      '| ahead of M-NAS-Shared beyond the paired interval, multi | 1 | +2.50 ± 2.83 | missed by 0.33 |',
    );
    const other = { ...maml, protocol: { ...maml.protocol, seed: 7 } };
    const apart = imageReport([mnas, other], []);
    expect(apart).toContain('not measured: maml was tested on other tasks');
    expect(apart).not.toContain('## Paired differences');
    expect(imageReport([mnas, resultOf('maml', maml.settings, 2)], [])).toContain(
      'not measured: no run of maml with seed 1',
    );
  });

  it('concludes first where M-NAS is not ahead in every mean, then where it is', () => {
    const conclusions = section(imageReport([mnas, shared, maml], []), 'Conclusions');
    const [, behind, unknown, paper, more] = conclusions.split('\n### ');
    const row = (other: string): string => `| ${other} |`;
    // +2.00 ± 2.26 tells nothing apart: of M-NAS-Shared at either number of shots, of MAML at five
    expect(lines(behind!, row('m-nas-shared'))[0]).toMatch(
      /\| 1 \| .*\| 40 \| \+2\.50 ± 2\.83 \| \+2\.50 ± 2\.83 \| \+2\.00 ± 2\.26 \| \+2\.00 ± 2\.26 \|$/,
    );
    expect(lines(behind!, row('maml'))[0]).toContain('| +6.50 ± 2.83 | +2.50 ± 2.83 | +6.00 ± 2.26 |');
    expect(unknown).toMatch(/^Cannot be said yet/); // nothing is ahead
    expect(unknown).toContain('- m-nas against mumomaml, ');
    expect(unknown).not.toContain('- m-nas against maml, ');
    // at 1 shot multi has 62.5, 60 and 56 %: the paper's order, M-NAS, Shared, MAML, in all three pairs
    expect(paper).toContain('- 3 of 3 pairs of ');
    expect(paper).toContain('best first: m-nas, m-nas-shared, maml.');
    expect(more).toBeUndefined();

    const far = resultOf(
      'maml',
      settings(() => right(0.2, 0.2, 0.2, 0.2), false),
    );
    const won = section(imageReport([mnas, far], []), 'Conclusions');
    expect(won).not.toContain('### Not ahead');
    expect(lines(won.split('### Ahead')[1]!, row('maml'))).toHaveLength(1);
    const other = { ...far, protocol: { ...far.protocol, seed: 7 } };
    expect(section(imageReport([mnas, other], []), 'Conclusions')).toBe('');
  });

  it('has what was trained on mini-imagenet alone apart, beside the paper and the goals', () => {
    const alone = (name: string, served: number) =>
      resultOf(
        name,
        [1, 5].map((shot) => settingOf('mini-imagenet', shot, right(served, served))),
      );
    const own = alone('mini-m-nas', 0.44);
    const report = imageReport([mnas, own, alone('mini-maml', 0.4)], []);
    const table = section(report, 'Table 3: mini-imagenet alone');
    expect(lines(table, '| mini-m-nas | 1 |')[0]).toMatch(
      /\| 16 \| 24 \| 2\.00 \| 48\.00 ± 0\.00 \| 44\.00 ± 0\.00 \| \+4\.00 ± 0\.00 \| 51\.37 ± 1\.41 \|$/,
    );
    expect(lines(table, '| mini-maml | 1 |')[0]).toMatch(/\| {2}\| 48\.70 ± 1\.84 \|$/);
    expect(table).toContain('- mini-m-nas, seed 1: 51.37 %, the paper’s figure, is missed by 3.37.');
    expect(table).toContain(
      '- mini-maml, seed 1: 46.7 %, 2 points below the published 48.7, is missed by 2.70.',
    );
    expect(imageReport([alone('mini-maml', 0.43)], [])).toContain('published 48.7, is reached.');
    expect(lines(section(report, 'Runs'), '| mini-m-nas | 1 |')).toHaveLength(1);
    for (const title of ['Accuracy', 'Conclusions', 'Against the goals', 'Calibration'])
      expect(section(report, title)).not.toContain('mini-m');
    const missing = section(report, 'Missing');
    expect(missing).toContain('- mini-hsml: `npm run benchmark -- images --rows mini-hsml`');
    expect(missing).not.toContain('mini-maml');
    expect(section(imageReport([mnas], []), 'Table 3')).toBe('');
  });

  it('says which rows are not of the study', () => {
    expect(imageReport([mnas, maml, resultOf('conv4-class-means', maml.settings)], [])).not.toContain(
      'Beside the study',
    );
    expect(imageReport([mnas, resultOf('photos', mnas.settings)], [])).toContain(
      '\nBeside the study: photos, with a budget of its own',
    );
  });

  it('writes a difference with the sign of what it shows', () => {
    expect([0.001, -0.001, 1.5, -1.5].map((mean) => signed({ mean, half: 0.5 }))).toEqual([
      '0.00 ± 0.50',
      '0.00 ± 0.50',
      '+1.50 ± 0.50',
      '−1.50 ± 0.50',
    ]);
  });

  it("puts the paper's rows beside its own, in transductive mode", () => {
    const paper = section(imageReport([maml, mnas], []), "Beside the paper's");
    expect(lines(paper, '| m-nas, paper |')).toEqual([
      '| m-nas, paper | 29.5K | 58.76 | 34.68 | 57.13 | 43.71 | 48.57 | 61.89 |',
      '| m-nas, paper | 27.9K | 51.37 ± 1.41 |',
    ]);
    expect(lines(paper, '| m-nas, seed 1 |')[0]).toMatch(
      /\| 74\.00 ± 11\.32 \| 64\.00 ± 0\.00 \|.*\| 66\.50 ± 2\.83 \|$/,
    );
  });

  it('tells architectures by domain, weights, calibration, runs and ablations', () => {
    const short = [
      resultOf('ablation-inner-loop', fewer(shared.settings)),
      resultOf('ablation-shared-head', maml.settings),
      resultOf('ablation-learned-rates', mnas.settings),
    ];
    const report = imageReport([...short, mnas, maml], []);
    const found = section(report, 'Architectures');
    expect(found).toContain(
      '2 distinct. Most frequent is number 1 in aircraft, texture, dtd, grocery; number 2 in bird. ' +
        '76.5 % of the tasks have the most frequent one of their domain, 70.6 % that of all.', // 26 and 24 of 34
    );
    expect(lines(found, `| 1 | \`${keyOf(1)}\``)[0]).toMatch(/\| 0 \| 6 \| 6 \| 6 \| 6 \| 24 \|$/);
    expect(lines(found, `| 2 | \`${keyOf(0)}\``)[0]).toMatch(/\| 2 \| 2 \| 2 \| 2 \| 2 \| 10 \|$/);
    expect(found).not.toContain('maml');
    expect(section(report, 'Calibration')).toContain('| m-nas | 1 | 3.00 | 3.00 |');
    const ablations = section(report, 'Ablations');
    expect(lines(ablations, '| ablation-learned-rates | 1 |')[0]).toContain(
      '| m-nas | 0.3K | 2.00 | 62.50 ± 2.83 | 62.00 ± 2.26 | 0.00 ± 0.00 | 66.00 ± 2.26 | 3.00 |',
    );
    // on the first two tasks of bird m-nas has 60 and 80 %, this one 60 and 60: −10 ± 1.96 · 14.142 / √2
    expect(lines(ablations, '| ablation-inner-loop | 1 |')[0]).toContain(
      '| 60.00 ± 0.00 | −2.00 ± 3.92 | 64.00 ± 0.00 |',
    );
    expect(lines(ablations, '| ablation-shared-head | 1 |')[0]).toContain(
      '| ablation-inner-loop | 1.8K | 2.00 | 56.00 ± 0.00 | 56.00 ± 0.00 | −4.00 ± 0.00 |',
    );
    expect(lines(section(report, 'Accuracy'), '| ablation')).toEqual([]);
    expect(lines(section(report, 'Runs'), '| ablation-learned-rates | 1 |')[0]).toContain(
      'K | 40 | 2.00 | search 0.50, retrain 1.50 | 4 | abc | `npm run benchmark -- images --rows ablation-learned-rates --seeds 1 --tasks 4` |',
    );
  });

  it('has all weights that meta-training learns: MAML’s, and what a method has beside them', async () => {
    const cellOf = async (name: string): Promise<string> => {
      const configuration = await readStudyConfiguration(`training/configs/images/${name}.yaml`);
      const report = imageReport([{ ...maml, name, configuration }], []);
      return lines(section(report, 'Runs'), `| ${name} | 1 |`)[0]!.split(' | ')[2]!;
    };
    const conv4 = 28_768 + 128 + 3; // with the head's vector, and what is fitted to its probabilities
    expect(await cellOf('maml')).toBe(thousands(conv4));
    expect(await cellOf('mt-net')).toBe(thousands(conv4 + 4 * (32 * 32 + 32)));
  });

  it('has the rows of the study in its order, others after them', () => {
    const rows = ['m-nas-plus', 'm-nas', 'm-nas-nm', 'maml', 'm-nas-shared'].map((name) =>
      resultOf(name, []),
    );
    expect(inOrder(rows).map(({ name }) => name)).toEqual([
      'maml',
      'm-nas-nm',
      'm-nas-shared',
      'm-nas',
      'm-nas-plus',
    ]);
  });
});

describe('figures of the image study', () => {
  it('show curves, reliability, cells and embeddings', async () => {
    const vectors = (centre: number) => Array.from({ length: 8 }, (_, i) => [centre, i, 1]);
    const embeddings = { unit: 0.01, domains: { bird: vectors(0), grocery: vectors(50) } };
    const figures = imageFigures(inOrder([mnas, maml]), { 'm-nas-1': embeddings });
    expect(figures.map(({ name }) => name)).toEqual(['curves', 'reliability', 'cells-m-nas-1', 'embeddings']);
    const [curves, reliability, cells, projection] = await Promise.all(figures.map(({ svg }) => svg()));
    expect(curves).toContain('core-hours');
    for (const panel of ['mean', 'bird', 'grocery', 'maml-1']) expect(curves).toContain(panel);
    expect(reliability).toContain('5-shot');
    expect(reliability).toContain('probability of the answer: 0.65');
    expect(reliability).toContain('share of right answers: 0.62');
    expect(cells).toContain('separable conv 5×5');
    expect(cells).toContain('aircraft 6');
    expect(projection).toContain('grocery');
    expect(figures[3]!.title).toContain('16 test tasks');
    expect(imageFigures([resultOf('ablation-x', mnas.settings)], {})).toEqual([]);
  });
});
