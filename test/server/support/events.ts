/** A server-sent event as a client gets it. */
export interface ReceivedEvent {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
}

/** The events of a whole stream; comments are dropped. */
export function parseEvents(text: string): ReceivedEvent[] {
  const blocks = text.split('\n\n').filter((block) => block !== '' && block !== ':');
  return blocks.map((block) => {
    const fields = Object.fromEntries(
      block.split('\n').map((line) => {
        const colon = line.indexOf(': ');
        return [line.slice(0, colon), line.slice(colon + 2)];
      }),
    );
    return { id: fields['id']!, event: fields['event']!, data: JSON.parse(fields['data']!) as unknown };
  });
}
