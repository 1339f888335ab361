import { describe, expect, it } from 'vitest';
import { chosenFiles, droppedFiles } from '../../web/files.ts';

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
