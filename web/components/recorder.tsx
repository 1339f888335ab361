import { useEffect, useRef, useState } from 'preact/hooks';
import { counted } from '../format.ts';
import { CameraView } from './camera-view.tsx';
import { frameOf, useCamera } from './use-camera.ts';

/** Milliseconds from one picture of a burst to the next: four a second differ, and a class has enough in a few seconds. */
const pace = 250;
/** Pictures after a countdown, for which nothing has to be held. */
const burst = 8;
const countdown = 3;

interface RecorderProps {
  /** of the class that the pictures are for */
  readonly name: string;
  /** how many more the class can have */
  readonly room: number;
  readonly onPicture: (file: File) => void;
  readonly onClose: () => void;
}

/** The camera's picture, a button that records as long as it is held, and one that counts down first. */
export function Recorder({ name, room, onPicture, onClose }: RecorderProps) {
  const { video, error } = useCamera();
  const [taken, setTaken] = useState(0);
  const [seconds, setSeconds] = useState(0);
  const [recording, setRecording] = useState(false);
  const timer = useRef<number | undefined>(undefined);

  const take = async () => {
    const bitmap = await frameOf(video.current);
    if (!bitmap) return;
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
    bitmap.close();
    const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 });
    onPicture(new File([blob], `camera-${Date.now().toString(36)}.jpg`, { type: blob.type }));
    setTaken((before) => before + 1);
  };

  const stop = () => {
    clearInterval(timer.current);
    timer.current = undefined;
    setRecording(false);
    setSeconds(0);
  };
  const record = (pictures: number) => {
    if (timer.current !== undefined) return;
    let left = pictures;
    setRecording(true);
    const next = () => {
      if (left-- <= 0) stop();
      else void take();
    };
    next();
    timer.current = setInterval(next, pace);
  };
  const count = () => {
    if (timer.current !== undefined) return;
    let now = countdown;
    setSeconds(now);
    timer.current = setInterval(() => {
      setSeconds(--now);
      if (now > 0) return;
      clearInterval(timer.current);
      timer.current = undefined;
      record(Math.min(burst, room));
    }, 1000);
  };
  useEffect(() => () => clearInterval(timer.current), []);

  const full = room <= 0;
  const holds = ({ key }: KeyboardEvent) => key === ' ' || key === 'Enter';
  return (
    <div class="camera">
      <CameraView video={video} problem={error}>
        {seconds > 0 && <span class="countdown">{seconds}</span>}
      </CameraView>
      <div class="row">
        <button
          type="button"
          class="primary hold"
          aria-label={`Hold to record ${name}`}
          aria-pressed={recording}
          disabled={error !== undefined || full}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            record(room);
          }}
          onPointerUp={stop}
          onPointerCancel={stop}
          onContextMenu={(event) => event.preventDefault()}
          onKeyDown={(event) => {
            if (!holds(event)) return;
            event.preventDefault();
            if (!event.repeat) record(room);
          }}
          onKeyUp={(event) => {
            if (holds(event)) stop();
          }}
          onBlur={stop}
        >
          {recording ? 'Recording …' : 'Hold to record'}
        </button>
        <button type="button" disabled={error !== undefined || full} onClick={count}>
          In {countdown} seconds
        </button>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
      <p role="status" class="hint">
        {full ? 'This class is full.' : taken > 0 && `${counted(taken, 'picture')} taken`}
      </p>
    </div>
  );
}
