import { percent } from '../format.ts';

interface UnknownProps {
  readonly value: number;
  /** what fits this task; undefined of tasks of earlier versions */
  readonly own: number | undefined;
  readonly onChange: (value: number) => void;
}

/** How readily an image is called unknown, in plain words. */
export function Unknown({ value, own, onChange }: UnknownProps) {
  return (
    <div class="unknown">
      <label>
        <span>Call things “unknown” that are none of your classes</span>
        <span class="row ends">
          <span class="hint">rarely</span>
          <input
            type="range"
            min={0}
            max={1}
            step={0.01}
            value={value}
            aria-valuetext={`below ${percent(value)}`}
            aria-describedby="unknown-hint"
            onInput={({ currentTarget }) => onChange(currentTarget.valueAsNumber)}
          />
          <span class="hint">often</span>
        </span>
      </label>
      <p id="unknown-hint" class="hint">
        Now an image is unknown when it fits your classes with less than {percent(value)}.{' '}
        {own !== undefined &&
          (value === own
            ? 'This was chosen from your photos so that about nine in ten photos of your classes pass.'
            : `With ${percent(own)} about nine in ten photos of your classes pass.`)}{' '}
        {own !== undefined && value !== own && (
          <button type="button" class="link" onClick={() => onChange(own)}>
            Back to {percent(own)}
          </button>
        )}
      </p>
    </div>
  );
}
