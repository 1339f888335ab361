import { describeTask } from '../describe-task.ts';
import type { TaskRecord } from '../../storage/record.ts';
import type { Schema } from '../../../contract/schema.ts';

/** Rows that Triton joins into one run. */
const maxBatch = { images: 25, regression: 1024 } as const;

/** A tensor of `config.pbtxt`; its batch axis is Triton's, so it is left out. */
function tensorOf({ name, shape }: Schema<'Tensor'>, extra = ''): string {
  return `{ name: "${name}" data_type: TYPE_FP32 dims: [ ${shape.slice(1).join(', ')} ]${extra} }`;
}

/** Triton's model configuration, in protobuf's text form. Only `probabilities` are by label. */
export function modelConfigurationOf(record: TaskRecord): string {
  const { input, outputs } = describeTask(record).model;
  const tensors = outputs.map((output) =>
    tensorOf(output, output.name === 'probabilities' ? ' label_filename: "labels.txt"' : ''),
  );
  return `name: "${record.id}"
backend: "onnxruntime"
max_batch_size: ${maxBatch[record.kind]}
input [ ${tensorOf(input)} ]
output [
  ${tensors.join(',\n  ')}
]
dynamic_batching { }
`;
}
