/** The places of the images that can be left out: those whose class has another one. @param labels the class of each image */
export const imagesLeftOut = (labels: readonly number[]): number[] => {
  const sizes = new Map<number, number>();
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  return [...labels.keys()].filter((i) => sizes.get(labels[i]!)! > 1);
};
