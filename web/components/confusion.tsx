import type { Schema } from '../../contract/schema.ts';

/** From so many classes on columns have numbers, so that the table fits a phone. */
const many = 5;

/** Images by their class and by the class that they were taken for. */
export function Confusion({
  figures: { labels, confusion },
}: {
  readonly figures: Schema<'ImagesEvaluation'>;
}) {
  const numbered = labels.length >= many;
  return (
    <table class={`confusion ${numbered ? 'numbered' : ''}`}>
      <caption class="hint">Photos by their class (rows) and by what they were taken for (columns)</caption>
      <thead>
        <tr>
          <td />
          {labels.map((label, i) => (
            <th key={label} scope="col" title={label}>
              {numbered ? (
                <>
                  {i + 1}
                  <span class="hidden"> {label}</span>
                </>
              ) : (
                label
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {labels.map((label, row) => (
          <tr key={label}>
            <th scope="row">{numbered ? `${row + 1} ${label}` : label}</th>
            {confusion[row]!.map((count, column) => (
              <td key={labels[column]} class={count === 0 ? 'none' : row === column ? 'right' : 'wrong'}>
                {count}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
