import { assets } from './assets.ts';

/** An image of the index that the server makes (server/page/example.ts). */
interface ExampleImage {
  readonly name: string;
  readonly label: string;
  readonly set: 'support' | 'query';
  readonly url: string;
}

export interface LabelledFile {
  readonly label: string;
  readonly file: File;
}

/** The example task: labelled images to make it of, and others to try it with. */
export async function loadExample(): Promise<{
  readonly support: readonly LabelledFile[];
  readonly query: readonly LabelledFile[];
}> {
  const images = (await (await fetch(assets.example)).json()) as readonly ExampleImage[];
  const loaded = await Promise.all(
    images.map(async ({ name, label, set, url }) => {
      const blob = await (await fetch(url)).blob();
      return { set, label, file: new File([blob], `${name}.png`, { type: blob.type }) };
    }),
  );
  return {
    support: loaded.filter(({ set }) => set === 'support'),
    query: loaded.filter(({ set }) => set === 'query'),
  };
}
