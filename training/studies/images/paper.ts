/** Accuracies in percent of the paper's tables, 5-way. */
export interface Published {
  readonly weights: string;
  /** Table 2, 1-shot: Bird, Texture, Aircraft, Fungi and their average. */
  readonly oneShot: readonly [number, number, number, number, number];
  /** Table 2, 5-shot: the average. */
  readonly fiveShot: number;
  /** Table 3, 1-shot on MiniImagenet, and the network's weights there. */
  readonly miniImagenet: { readonly weights: string; readonly accuracy: number; readonly interval: number };
}

/** The rows of Tables 2 and 3 that the study has, too. */
export const published: Readonly<Record<string, Published>> = {
  maml: {
    weights: '32.9K',
    oneShot: [53.94, 31.66, 51.37, 42.12, 44.77],
    fiveShot: 57.78,
    miniImagenet: { weights: '32.9K', accuracy: 48.7, interval: 1.84 },
  },
  'm-nas-nm': {
    weights: '31.6K',
    oneShot: [52.37, 32.49, 48.53, 40.68, 43.52],
    fiveShot: 57.67,
    miniImagenet: { weights: '27.1K', accuracy: 50.43, interval: 1.73 },
  },
  'm-nas-shared': {
    weights: '27.0K',
    oneShot: [57.13, 34.75, 56.32, 43.33, 47.88],
    fiveShot: 61.37,
    miniImagenet: { weights: '26.3K', accuracy: 50.78, interval: 1.66 },
  },
  'm-nas': {
    weights: '29.5K',
    oneShot: [58.76, 34.68, 57.13, 43.71, 48.57],
    fiveShot: 61.89,
    miniImagenet: { weights: '27.9K', accuracy: 51.37, interval: 1.41 },
  },
};

/** The rows of the study, in the order of its report. */
export const studyRows: readonly string[] = Object.keys(published);

/** How the study's protocol differs from that of the tables. */
export const protocolDifferences: readonly string[] = [
  '84 × 84 pixels as there, but the first convolution has a stride of 2; networks of at most 32,000 weights.',
  'One checkpoint for all domains and both shots, trained on photos, characters, icons and glyphs together; the paper trains for each table and shot anew.',
  'A fixed budget of core-hours (table "Runs") instead of 200,000 tasks and more, which related public code takes.',
  'Other draws of classes for bird; civil and military types for aircraft; crops of game textures and ten classes of DTD for texture; groceries, an easier subject, in the place of fungi. On mini-imagenet the official classes, 200 images of each test class.',
  'Served: queries are normalised by the statistics of the support set, one by one. The paper normalises a batch of queries by its own statistics, which is the transductive column.',
  '15 queries a class. The intervals of the paper fit as many queries as shots.',
];
