/** Paths of files that the page loads when it needs them; the bundler fills them in (server/page/build.ts). */
export interface AssetPaths {
  readonly worker: string;
  /** folder of onnxruntime-web's files, with a slash at its end */
  readonly onnxruntime: string;
  /** the index of the example's images */
  readonly example: string;
}

// eslint-disable-next-line @typescript-eslint/naming-convention -- what the bundler replaces is told from what is defined
declare const ASSETS: AssetPaths;

export const assets: AssetPaths = ASSETS;
