/** The true class of an image and the one that it was given, undefined where it was taken for none of them. */
export interface Judgement {
  readonly truth: number;
  readonly given: number | undefined;
  /** Where the image stands among those that were given, of a support set that was left out image by image. */
  readonly place?: number;
}

/** An image that was told wrong when it was left out. */
export interface Mistake {
  /** where the image stands among those that were given */
  readonly place: number;
  readonly label: string;
  /** the label that it was taken for */
  readonly given: string;
}

/** The images that were told wrong, in the order in which they were given; those without a place are not among them. */
export const mistakesOf = (labels: readonly string[], judgements: readonly Judgement[]): Mistake[] =>
  judgements
    .flatMap(({ truth, given, place }) =>
      place === undefined || given === undefined || truth === given
        ? []
        : [{ place, label: labels[truth]!, given: labels[given]! }],
    )
    .sort((a, b) => a.place - b.place);

/** How well labelled images were classified, as openapi.yaml has it. */
export interface ImagesEvaluation {
  readonly images: number;
  readonly accuracy: number;
  /** Wilson's, 95 % */
  readonly interval: [number, number];
  readonly labels: string[];
  /** in the order of the labels; null where nothing was to be counted */
  readonly classes: { label: string; images: number; precision: number | null; recall: number | null }[];
  /** images by true label (rows) and given label (columns) */
  readonly confusion: number[][];
  /** images by true label that were taken for none of the classes */
  readonly unknown: number[];
}

/** How well labelled images were classified; an image taken for unknown counts as wrong. `judgements` are not empty. */
export function evaluationOf(labels: readonly string[], judgements: readonly Judgement[]): ImagesEvaluation {
  const right = judgements.filter(({ truth, given }) => truth === given).length;
  const count = (truth: number | undefined, given: number | undefined) =>
    judgements.filter((judged) => (truth ?? judged.truth) === judged.truth && judged.given === given).length;
  const confusion = labels.map((_, truth) => labels.map((_, given) => count(truth, given)));
  return {
    images: judgements.length,
    accuracy: right / judgements.length,
    interval: wilson(right, judgements.length),
    labels: [...labels],
    classes: labels.map((label, c) => {
      const images = judgements.filter(({ truth }) => truth === c).length;
      return {
        label,
        images,
        precision: share(confusion[c]![c]!, count(undefined, c)),
        recall: share(confusion[c]![c]!, images),
      };
    }),
    confusion,
    unknown: labels.map((_, truth) => count(truth, undefined)),
  };
}

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

/** Wilson's 95 % interval of a share: unlike the normal one it is right for few images, and at 0 and 1. */
function wilson(right: number, count: number): [number, number] {
  const z = 1.96;
  const p = right / count;
  const centre = p + z ** 2 / (2 * count);
  const half = z * Math.sqrt((p * (1 - p)) / count + (z / (2 * count)) ** 2);
  const scale = 1 + z ** 2 / count;
  // both ends are exact where rounding would leave them beside 0 and 1
  return [right === 0 ? 0 : (centre - half) / scale, right === count ? 1 : (centre + half) / scale];
}

/** How far predictions are from the y that are known. */
export function regressionEvaluationOf(
  truth: readonly number[],
  predicted: ArrayLike<number>,
): { points: number; meanSquaredError: number; meanAbsoluteError: number } {
  const errors = truth.map((y, i) => predicted[i]! - y);
  const meanOf = (values: readonly number[]) =>
    values.reduce((total, value) => total + value, 0) / values.length;
  return {
    points: truth.length,
    meanSquaredError: meanOf(errors.map((error) => error ** 2)),
    meanAbsoluteError: meanOf(errors.map(Math.abs)),
  };
}
