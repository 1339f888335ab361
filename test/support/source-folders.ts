/** Folders of source files. */
export const sourceFolders = [
  'bench',
  'client',
  'contract',
  'drawing',
  'engine',
  'images',
  'model',
  'scripts',
  'server',
  'training',
  'web',
];
