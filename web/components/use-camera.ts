import { useEffect, useRef, useState } from 'preact/hooks';

/** Browsers have cameras on https and on localhost only. */
export const hasCamera = (): boolean => 'mediaDevices' in navigator;

/** Why there is no picture, in words. */
function reasonOf(error: unknown): string {
  const name = error instanceof Error ? error.name : '';
  if (name === 'NotAllowedError') return 'This page may not use the camera. Allow it beside the address.';
  if (name === 'NotFoundError') return 'No camera was found.';
  if (name === 'NotReadableError') return 'Another program is using the camera.';
  return 'The camera cannot be used.';
}

/** The camera's picture in a video element, from the first to the last render of who uses it. */
export function useCamera() {
  const video = useRef<HTMLVideoElement>(null);
  const [error, setError] = useState<string>();
  useEffect(() => {
    let ended = false;
    let stream: MediaStream | undefined;
    const stop = () => stream?.getTracks().forEach((track) => track.stop());
    navigator.mediaDevices
      .getUserMedia({ video: { facingMode: 'environment', width: { ideal: 640 }, height: { ideal: 480 } } })
      .then((opened) => {
        stream = opened;
        if (ended) stop();
        else if (video.current) video.current.srcObject = opened;
      })
      .catch((reason: unknown) => setError(reasonOf(reason)));
    return () => {
      ended = true;
      stop();
    };
  }, []);
  return { video, error };
}

/** What the camera shows now; undefined before its first picture. */
export const frameOf = (video: HTMLVideoElement | null): Promise<ImageBitmap> | undefined =>
  video && video.videoWidth > 0 ? createImageBitmap(video) : undefined;
