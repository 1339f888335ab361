/** The number of a place, for the eye: headings say in words where one is. */
export function Step({ number }: { readonly number: number }) {
  return (
    <span class="step" aria-hidden="true">
      {number}
    </span>
  );
}
