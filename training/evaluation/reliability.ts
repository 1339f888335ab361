/** Bins of equal width of the probability that is given to the answer. */
export const reliabilityBins = 15;

/** Answers by the probability that they were given: what a reliability diagram and its error are made of. */
export interface Reliability {
  /** Answers in each bin. */
  readonly count: readonly number[];
  /** Sum of their probabilities. */
  readonly confidence: readonly number[];
  /** How many of them are right. */
  readonly right: readonly number[];
}

const empty = (): number[] => new Array<number>(reliabilityBins).fill(0);

/** The answers to the queries of a task: softmax of logits [n, way], labels one-hot. */
export function reliabilityOf(logits: Float32Array, targets: Float32Array, way: number): Reliability {
  const [count, confidence, right] = [empty(), empty(), empty()];
  for (let start = 0; start < logits.length; start += way) {
    const row = logits.subarray(start, start + way);
    const answer = row.indexOf(Math.max(...row));
    const probability = 1 / row.reduce((total, logit) => total + Math.exp(logit - row[answer]!), 0);
    const bin = Math.min(reliabilityBins - 1, Math.floor(probability * reliabilityBins));
    count[bin]!++;
    confidence[bin]! += probability;
    right[bin]! += targets[start + answer]!;
  }
  return { count, confidence, right };
}

/** All answers together. */
export function pooledReliability(parts: readonly Reliability[]): Reliability {
  const sum = (name: keyof Reliability): number[] =>
    empty().map((_, bin) => parts.reduce((total, part) => total + part[name][bin]!, 0));
  return { count: sum('count'), confidence: sum('confidence'), right: sum('right') };
}

/** Expected calibration error, 0..1 (Naeini et al. 2015): the mean distance of a bin's probability from its accuracy. */
export function expectedCalibrationError({ count, confidence, right }: Reliability): number {
  const total = count.reduce((sum, answers) => sum + answers, 0);
  return count.reduce((sum, _, bin) => sum + Math.abs(confidence[bin]! - right[bin]!), 0) / total;
}
