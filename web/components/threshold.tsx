interface ThresholdProps {
  readonly value: number;
  readonly onChange: (value: number) => void;
}

/** From which probability on an image is taken for one of the classes at all. */
export function Threshold({ value, onChange }: ThresholdProps) {
  return (
    <div class="threshold">
      <label class="row">
        Call an image unknown when it fits with less than
        <input
          type="range"
          min={0}
          max={1}
          step={0.05}
          value={value}
          aria-describedby="threshold-hint"
          onInput={({ currentTarget }) => onChange(currentTarget.valueAsNumber)}
        />
        <output>{value.toFixed(2)}</output>
      </label>
      <p id="threshold-hint" class="hint">
        The probability to be any of these supposes as many foreign images as others, where 0.5 decides. With
        one foreign image in five it is 0.2.
      </p>
    </div>
  );
}
