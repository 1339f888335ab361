import type { Schema } from '../contract/schema.ts';
import { inWords, percent } from './format.ts';

type Evaluation = Schema<'ImagesEvaluation'>;

/** An image that was told wrong when it was left out. */
export interface DoubtfulImage {
  readonly file: File;
  readonly label: string;
  /** the class that it was taken for */
  readonly given: string;
}

/** How well a task does on images that it has not seen. */
export interface Quality {
  readonly evaluation: Evaluation;
  readonly doubtful: readonly DoubtfulImage[];
}

/** The answer in one or two words. */
export function verdict({ accuracy, interval }: Pick<Evaluation, 'accuracy' | 'interval'>): string {
  if (interval[0]! >= 0.8) return 'Works well';
  if (accuracy >= 0.9) return 'Looks good';
  if (accuracy >= 0.7) return 'Works mostly';
  return 'Not good yet';
}

/** What the answer is coloured by. */
export const toneOf = ({ accuracy }: Pick<Evaluation, 'accuracy'>): 'good' | 'fair' | 'poor' =>
  accuracy >= 0.9 ? 'good' : accuracy >= 0.7 ? 'fair' : 'poor';

/** The answer in a sentence, with its uncertainty. */
export function explained({ accuracy, interval, images }: Evaluation): string {
  const right = Math.round(accuracy * images);
  const told =
    right === images
      ? `All ${images} photos that were left out in turn were told right.`
      : `${right} of ${images} photos that were left out in turn were told right.`;
  const [from, to] = interval as [number, number];
  return `${told} On new photos like these expect ${percent(from)} to ${percent(to)}.`;
}

/** Images a class from which on more help little. */
const enough = 5;
const most = 3;

/** What would help most, the most pressing first, three sentences at most. */
export function advice(
  shots: Readonly<Record<string, number>>,
  evaluation: Evaluation | undefined,
): readonly string[] {
  const few = Object.entries(shots)
    .filter(([, count]) => count < enough)
    .sort(([, a], [, b]) => a - b)
    .map(([label, count]) =>
      count === 1
        ? `“${label}” has one photo: add more. With one it cannot even be checked.`
        : `“${label}” has ${inWords(count)} photos: add more.`,
    );
  return [...confusions(evaluation), ...few].slice(0, most);
}

/** Pairs of classes of which one is taken for the other, the most frequent first. */
function confusions(evaluation: Evaluation | undefined): string[] {
  if (!evaluation) return [];
  const { labels, confusion } = evaluation;
  return labels
    .flatMap((label, truth) =>
      labels.flatMap((given, taken) => {
        const count = truth === taken ? 0 : confusion[truth]![taken]!;
        return count === 0 ? [] : [{ label, given, count }];
      }),
    )
    .sort((a, b) => b.count - a.count)
    .map(({ label, given, count }) => {
      const times = count === 1 ? 'once' : count === 2 ? 'twice' : `${inWords(count)} times`;
      return `“${label}” was taken for “${given}” ${times}: add photos that show the difference.`;
    });
}
