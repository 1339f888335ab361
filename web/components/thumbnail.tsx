import { useEffect, useState } from 'preact/hooks';
import { checked } from '../images.ts';
import { useObjectUrl } from './use-object-url.ts';

interface PictureProps {
  readonly file: Blob;
  readonly alt: string;
}

/** A small picture as it is. */
export function Picture({ file, alt }: PictureProps) {
  return <img class="thumbnail" src={useObjectUrl(file)} alt={alt} title={alt} />;
}

/** A chosen image, small. What the browser cannot show, such as TIFF, has its name in place of a picture. */
export function Thumbnail({ file, alt }: PictureProps) {
  const [picture, setPicture] = useState<Blob | null>();
  useEffect(() => {
    let ended = false;
    void checked(file).then(({ picture: small }) => {
      if (!ended) setPicture(small ?? null);
    });
    return () => {
      ended = true;
    };
  }, [file]);
  if (picture) return <Picture file={picture} alt={alt} />;
  return (
    <span class="thumbnail" role="img" aria-label={alt} title={alt}>
      {picture === null && alt}
    </span>
  );
}
