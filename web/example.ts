import { assets } from './assets.ts';

/** An image of the index that the server makes (server/page/example.ts). */
interface ExampleImage {
  readonly name: string;
  /** absent of an image of no class */
  readonly label?: string;
  readonly set: 'support' | 'query';
  readonly url: string;
}

export interface LabelledFile {
  readonly label: string;
  readonly file: File;
}

/** The example task: labelled images to make it of, and others to try it with. @throws Error; the signal's reason */
export async function loadExample(signal: AbortSignal): Promise<{
  readonly support: readonly LabelledFile[];
  readonly query: readonly File[];
}> {
  const images = (await (await loaded(assets.example, signal)).json()) as readonly ExampleImage[];
  const files = await Promise.all(
    images.map(async ({ name, label, set, url }) => {
      const blob = await (await loaded(url, signal)).blob();
      return { set, label, file: new File([blob], `${name}.jpg`, { type: blob.type }) };
    }),
  );
  signal.throwIfAborted();
  return {
    support: files.flatMap(({ set, label, file }) =>
      set === 'support' && label !== undefined ? [{ label, file }] : [],
    ),
    query: files.flatMap(({ set, file }) => (set === 'query' ? [file] : [])),
  };
}

async function loaded(url: string, signal: AbortSignal): Promise<Response> {
  const response = await fetch(url, { signal });
  if (response.ok) return response;
  throw new Error(`The example could not be loaded (${response.status}). Reload the page and try again.`);
}
