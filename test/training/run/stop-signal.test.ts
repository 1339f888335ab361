import { afterEach, describe, expect, it, vi } from 'vitest';
import { stoppedStatus, stopSignal } from '../../../training/run/stop-signal.ts';

describe('stopSignal', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM');
  });

  it('takes signals that come together as one request, and a later one as an order', () => {
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
    const clock = vi.spyOn(performance, 'now').mockReturnValue(1000);
    const stop = stopSignal();
    expect(stop.aborted).toBe(false);
    process.emit('SIGINT');
    process.emit('SIGINT'); // by the terminal and by npm
    process.emit('SIGTERM');
    expect(stop.aborted).toBe(true);
    expect(exit).not.toHaveBeenCalled();
    clock.mockReturnValue(4000);
    process.emit('SIGINT');
    expect(exit).toHaveBeenCalledWith(130);
  });

  it('leaves a status by which a scheduler starts the work again, and none after Ctrl-C', () => {
    for (const [signal, status] of [
      ['SIGTERM', 143],
      ['SIGINT', 0],
    ] as const) {
      const stop = stopSignal();
      expect(stoppedStatus(stop)).toBe(0);
      process.emit(signal);
      expect([signal, stoppedStatus(stop)]).toEqual([signal, status]);
      process.removeAllListeners(signal);
    }
  });
});
