import { createInterface } from 'node:readline';

/** The other end of a peer written in JavaScript: answers each line of JSON, the errors too. */
export async function answer(doers: Readonly<Record<string, (request: never) => unknown>>): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as { do: string };
    try {
      console.log(JSON.stringify(await doers[request.do]!(request as never)));
    } catch (error) {
      console.log(JSON.stringify({ error: (error as Error).message }));
    }
  }
}
