import { describe, expect, it } from 'vitest';
import { readPlanesConfiguration } from '../../../training/planes/configuration.ts';

const read = async (name: string, folder = 'planes') => {
  const { planes, domains } = await readPlanesConfiguration(`training/configs/${folder}/${name}.yaml`);
  return { planes, domains, names: domains.map(({ source }) => source.name) };
};

describe('the configurations of planes', () => {
  it('keep instruments and pacs apart from all training', async () => {
    const lite0 = await read('photos-lite0');
    expect(lite0.names.sort()).toEqual(['caltech101', 'cards', 'glyphs', 'grocery', 'icons', 'omniglot']);
    const research = await read('photos-research', 'images');
    expect(research.names).toEqual(expect.arrayContaining(lite0.names));
    const unseen = await read('unseen');
    expect(unseen.names).toEqual(['instruments', 'pacs']);
    expect(unseen.domains.map(({ views }) => views.served)).toEqual([true, true]);
    for (const { names, domains } of [lite0, research]) {
      expect(names.filter((name) => unseen.names.includes(name))).toEqual([]);
      expect(domains.some(({ views }) => views.served)).toBe(false);
    }
    expect([research.planes, unseen.planes]).toEqual([lite0.planes, lite0.planes]);
  });

  it('take views of domains that are not photos as they are: letters are not mirrored', async () => {
    const { domains } = await read('photos-lite0');
    const mirrored = domains.filter(({ views }) => views.mirror).map(({ source }) => source.name);
    expect(mirrored.sort()).toEqual(['caltech101', 'cards', 'grocery']);
  });
});
