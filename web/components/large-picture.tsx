import { useEffect, useState } from 'preact/hooks';

/** An image as it is; what the browser cannot show has its name in place of a picture. */
export function LargePicture({ file }: { readonly file: File }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return <div class="view">{url !== undefined && <img src={url} alt={file.name} />}</div>;
}
