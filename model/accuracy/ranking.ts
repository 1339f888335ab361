/** The position of the largest probability, the first of equals. */
export const bestOf = (probabilities: Float32Array): number =>
  probabilities.indexOf(Math.max(...probabilities));

/** Positions by probability, the most probable first; equals keep their order. */
export const ranked = (probabilities: Float32Array): number[] =>
  [...probabilities.keys()].sort((a, b) => probabilities[b]! - probabilities[a]!);
