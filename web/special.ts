import type { Genotype, OperationName } from '../model/search-space/genotype.ts';
import { inWords, percent } from './format.ts';
import type { MadeTask } from './task.ts';

/** Operations as people who have not read the paper may call them. */
const plain: Readonly<Record<Exclude<OperationName, 'none'>, string>> = {
  max_pool_3x3: 'keeping the strongest signal nearby',
  avg_pool_3x3: 'averaging over the neighbourhood',
  skip_connect: 'passing features on as they are',
  sep_conv_3x3: 'small filters',
  sep_conv_5x5: 'larger filters',
  dil_conv_3x3: 'small filters with gaps',
  dil_conv_5x5: 'wide filters with gaps',
};

/** One plain sentence on what is special about this task's network. */
export function specialOf({ architecture, mirrored }: Pick<MadeTask, 'architecture' | 'mirrored'>): string {
  const { genotype } = architecture;
  const edges = [...genotype.normal.nodes, ...genotype.reduction.nodes].flat();
  const counts = new Map<keyof typeof plain, number>();
  for (const { operation } of edges) counts.set(operation, (counts.get(operation) ?? 0) + 1);
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  const [operation, count] = first!;
  const read = readOf(genotype);
  return `For your photos it mostly relies on ${plain[operation]} (${count} of ${edges.length} connections)${read}, and ${
    mirrored
      ? 'looks at every photo together with its mirror image, since left and right do not matter here.'
      : 'keeps left and right apart, as with letters.'
  }`;
}

/** What a network on a trunk reads of it. */
function readOf({ taps }: Genotype): string {
  if (!taps) return '';
  const places = new Set([...Object.values(taps.slots), ...taps.beside]);
  return `, reads ${inWords(places.size)} depths of the pretrained network`;
}

/** What the steps changed, in a sentence. */
export const learned = ({ support, steps }: Pick<MadeTask, 'support' | 'steps'>): string =>
  steps === 0
    ? 'It was fitted to its photos at once, without steps.'
    : `Of its own photos it told ${percent(support.before.accuracy)} right before the ${steps} steps and ${percent(
        support.after.accuracy,
      )} after them.`;
