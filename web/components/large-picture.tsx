import { useObjectUrl } from './use-object-url.ts';

/** An image as it is; what the browser cannot show has its name in place of a picture. */
export function LargePicture({ file }: { readonly file: File }) {
  const url = useObjectUrl(file);
  return <div class="view">{url !== undefined && <img src={url} alt={file.name} />}</div>;
}
