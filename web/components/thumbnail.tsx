import { useEffect, useState } from 'preact/hooks';

/** A chosen image. Formats that the browser cannot show, such as TIFF, show their alternative text. */
export function Thumbnail({ file, alt }: { readonly file: Blob; readonly alt: string }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return <img class="thumbnail" src={url} alt={alt} title={alt} />;
}
