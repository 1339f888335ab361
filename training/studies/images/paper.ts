/** Accuracies in percent of the paper's tables, 5-way; null where a table does not have the row. */
export interface Published {
  readonly tableTwo: {
    readonly weights: string;
    /** 1-shot: Bird, Texture, Aircraft, Fungi and their average; null: not legible in the text that we have. */
    readonly oneShot: readonly [number, number, number | null, number, number];
    /** 5-shot: the average. */
    readonly fiveShot: number;
  } | null;
  /** Table 3, 1-shot on MiniImagenet, and the network's weights there. */
  readonly tableThree: {
    readonly weights: string;
    readonly accuracy: number;
    readonly interval: number;
  } | null;
}

/** Table 2 has HSML without its hierarchy, Table 3 the whole. */
export const published: Readonly<Record<string, Published>> = {
  maml: {
    tableTwo: { weights: '32.9K', oneShot: [53.94, 31.66, 51.37, 42.12, 44.77], fiveShot: 57.78 },
    tableThree: { weights: '32.9K', accuracy: 48.7, interval: 1.84 },
  },
  'mt-net': {
    tableTwo: { weights: '32.9K', oneShot: [58.72, 32.8, null, 43.11, 45.59], fiveShot: 58.08 },
    tableThree: { weights: '32.9K', accuracy: 49.75, interval: 1.83 },
  },
  bmaml: {
    tableTwo: { weights: '32.9K', oneShot: [54.89, 32.53, null, 42.5, 45.89], fiveShot: 58.31 },
    tableThree: { weights: '32.9K', accuracy: 50.01, interval: 1.86 },
  },
  mumomaml: {
    tableTwo: { weights: '32.9K', oneShot: [56.82, 33.81, 53.15, 42.22, 46.5], fiveShot: 59.41 },
    tableThree: null,
  },
  'hsml-flat': {
    tableTwo: { weights: '32.9K', oneShot: [58.22, 33.3, 55.36, 42.68, 47.39], fiveShot: 61.06 },
    tableThree: null,
  },
  hsml: { tableTwo: null, tableThree: { weights: '32.9K', accuracy: 50.38, interval: 1.85 } },
  'auto-meta': { tableTwo: null, tableThree: { weights: '28.0K', accuracy: 49.58, interval: 0.2 } },
  'm-nas-nm': {
    tableTwo: { weights: '31.6K', oneShot: [52.37, 32.49, 48.53, 40.68, 43.52], fiveShot: 57.67 },
    tableThree: { weights: '27.1K', accuracy: 50.43, interval: 1.73 },
  },
  'm-nas-shared': {
    tableTwo: { weights: '27.0K', oneShot: [57.13, 34.75, 56.32, 43.33, 47.88], fiveShot: 61.37 },
    tableThree: { weights: '26.3K', accuracy: 50.78, interval: 1.66 },
  },
  'm-nas': {
    tableTwo: { weights: '29.5K', oneShot: [58.76, 34.68, 57.13, 43.71, 48.57], fiveShot: 61.89 },
    tableThree: { weights: '27.9K', accuracy: 51.37, interval: 1.41 },
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
