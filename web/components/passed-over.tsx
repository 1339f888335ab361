/** Names that are written out; of more there is the number only. */
const named = 3;

/** Files that were not taken, by name. */
export function PassedOver({ names }: { readonly names: readonly string[] }) {
  if (names.length === 0) return null;
  const rest = names.length - named;
  return (
    <p role="alert" class="error">
      These are no images, and were left out: {names.slice(0, named).join(', ')}
      {rest > 0 && ` and ${rest} more`}.
      {names.some((name) => /\.hei[cf]$/i.test(name)) && ' HEIC is not accepted; export it as JPEG.'}
    </p>
  );
}
