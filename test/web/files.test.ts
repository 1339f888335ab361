import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { chosenFiles, droppedFiles, unpacked } from '../../web/files.ts';

const file = (path: string, type = '') =>
  Object.assign(new File(['x'], path.split('/').at(-1)!, { type }), {
    webkitRelativePath: path.includes('/') ? path : '',
  });
const listOf = (...files: readonly File[]) => files as unknown as FileList;

describe('files that were chosen', () => {
  it('are images by type, or by extension where the system knows no type', () => {
    const { plain, passedOver } = chosenFiles(
      listOf(
        file('a.png', 'image/png'),
        file('b.avif'),
        file('c.JPG'),
        file('d.heic'),
        file('e.png', 'text/plain'),
      ),
    );
    expect(plain.map(({ name }) => name)).toEqual(['a.png', 'b.avif', 'c.JPG']);
    expect(passedOver).toEqual(['d.heic', 'e.png']);
  });

  it('have the label of their folder, whose own files are not told of', () => {
    const { plain, labelled, passedOver } = chosenFiles(
      listOf(
        file('pets/cat/1.png'),
        file('pets/cat/.DS_Store'),
        file('pets/Thumbs.db'),
        file('pets/notes.txt'),
      ),
    );
    expect(plain).toEqual([]);
    expect(labelled.map(({ label, file: { name } }) => [label, name])).toEqual([['cat', '1.png']]);
    expect(passedOver).toEqual(['notes.txt']);
  });

  it('are passed over when they are dropped and cannot be read', async () => {
    const refuses = (_: unknown, reject: (reason: Error) => void) => reject(new Error('gone'));
    const folder = {
      isFile: false,
      name: 'cat',
      createReader: () => ({ readEntries: refuses }),
    };
    const one = { isFile: true, name: 'a.png', file: refuses };
    const items = [folder, one].map((entry) => ({ webkitGetAsEntry: () => entry }));
    const dropped = { items, files: [] } as unknown as DataTransfer;
    expect(await droppedFiles(dropped)).toEqual({ plain: [], labelled: [], passedOver: ['cat', 'a.png'] });
  });
});

describe('a zip archive', () => {
  const one = new Uint8Array([1]);
  const zip = (entries: Readonly<Record<string, Uint8Array>>, name = 'pets.zip') =>
    Object.assign(file(name, 'application/zip'), {
      arrayBuffer: () => Promise.resolve(zipSync(entries).buffer),
    });

  it('gives the files of its folders with their labels', async () => {
    const archive = zip({
      'pets/cat/1.png': one,
      'pets/dog/2.jpg': one,
      'pets/dog/notes.txt': one,
      '__MACOSX/pets/cat/1.png': one,
      '3.webp': one,
    });
    const chosen = chosenFiles(listOf(archive, file('4.png', 'image/png')));
    const { plain, labelled, passedOver } = await unpacked(chosen);
    expect(plain.map(({ name, type }) => [name, type])).toEqual([
      ['4.png', 'image/png'],
      ['3.webp', 'image/webp'],
    ]);
    expect(labelled.map(({ label, file: { name } }) => [label, name])).toEqual([
      ['cat', '1.png'],
      ['dog', '2.jpg'],
    ]);
    expect(passedOver).toEqual(['notes.txt']);
  });

  it('that is broken is passed over by name, and the rest is taken', async () => {
    const broken = file('broken.zip');
    const { plain, passedOver } = await unpacked(chosenFiles(listOf(broken, file('a.png', 'image/png'))));
    expect(plain).toHaveLength(1);
    expect(passedOver).toEqual(['broken.zip']);
  });

  it('of more files than a task takes is passed over', async () => {
    const many = zip(
      Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`a/${i}.png`, one])),
      'many.zip',
    );
    expect((await unpacked(chosenFiles(listOf(many)))).passedOver).toEqual(['many.zip']);
  });
});
