import type { ModelFile } from '../ports.ts';
import type { StoredTask } from '../storage/storage.ts';

/** A task's model as those take it that run models. */
export const fileOf = ({ record, model }: StoredTask): ModelFile => ({
  key: record.model.sha256,
  model,
  multiplyAdds: record.architecture.multiplyAdds,
});
