import { useEffect, useRef, useState } from 'preact/hooks';

/** Browsers have cameras on https and on localhost only. */
export const hasCamera = (): boolean => 'mediaDevices' in navigator;

interface CameraProps {
  /** of the class that the pictures are for */
  readonly name: string;
  readonly onPicture: (file: File) => void;
  readonly onClose: () => void;
}

/** The camera's picture, and a button that takes it. */
export function Camera({ name, onPicture, onClose }: CameraProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [error, setError] = useState<string>();
  const [taken, setTaken] = useState(0);

  useEffect(() => {
    let ended = false;
    let stream: MediaStream | undefined;
    const stop = () => stream?.getTracks().forEach((track) => track.stop());
    navigator.mediaDevices
      .getUserMedia({ video: { facingMode: 'environment' } })
      .then((opened) => {
        stream = opened;
        if (ended) stop();
        else if (video.current) video.current.srcObject = opened;
      })
      .catch((reason: unknown) => setError(reason instanceof Error ? reason.message : String(reason)));
    return () => {
      ended = true;
      stop();
    };
  }, []);

  const take = async () => {
    const element = video.current;
    if (!element || element.videoWidth === 0) return;
    const canvas = new OffscreenCanvas(element.videoWidth, element.videoHeight);
    canvas.getContext('2d')?.drawImage(element, 0, 0);
    const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 });
    onPicture(new File([blob], `camera-${taken + 1}.jpg`, { type: blob.type }));
    setTaken(taken + 1);
  };

  return (
    <div class="camera">
      {error === undefined ? (
        <video ref={video} autoplay muted playsInline aria-label="Picture of the camera" />
      ) : (
        <p role="alert">The camera cannot be used: {error}</p>
      )}
      <div class="row">
        <button type="button" class="primary" onClick={() => void take()} disabled={error !== undefined}>
          Take a picture of {name}
        </button>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
      <p role="status" class="hidden">
        {taken > 0 && `${taken} taken`}
      </p>
    </div>
  );
}
