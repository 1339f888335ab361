import type { ComponentChildren, RefObject } from 'preact';

interface CameraViewProps {
  readonly video: RefObject<HTMLVideoElement | null>;
  /** why there is no picture */
  readonly problem: string | undefined;
  /** what lies over the picture */
  readonly children?: ComponentChildren;
}

/** The camera's picture, or why there is none. */
export function CameraView({ video, problem, children }: CameraViewProps) {
  if (problem !== undefined)
    return (
      <p role="alert" class="error">
        {problem}
      </p>
    );
  return (
    <div class="view">
      <video ref={video} autoplay muted playsInline aria-label="Picture of the camera" />
      {children}
    </div>
  );
}
