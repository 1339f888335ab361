import { sha256 } from '../../../server/storage/sha256.ts';
import type { ImagesRecord } from '../../../server/storage/record.ts';
import type { StoredTask } from '../../../server/storage/storage.ts';

/** A task whose content follows from a number. */
export function storedTask(number: number): StoredTask<ImagesRecord> {
  const model = Buffer.alloc(50_000, String(number));
  const cell = { nodes: [[{ operation: 'skip_connect' as const, input: 0 }]] };
  return {
    model,
    record: {
      version: 1,
      kind: 'images',
      id: sha256(String(number)).slice(0, 32),
      createdAt: '2026-01-01T00:00:00.000Z',
      checkpoint: { id: 'photos', sha256: sha256('photos') },
      steps: 5,
      image: { size: 8 },
      classes: [
        { label: '__proto__', shots: 1 },
        { label: 'b', shots: 2 },
      ],
      architecture: { genotype: { normal: cell, reduction: cell }, weights: 1, multiplyAdds: 1 },
      mirrored: false,
      support: { before: { loss: 1, accuracy: 0.5 }, after: { loss: 0.1, accuracy: 1 } },
      model: { bytes: model.length, sha256: sha256(model) },
      embedding: [0.5],
      timings: { receive: 1, decode: 1, total: 2 },
    },
  };
}
