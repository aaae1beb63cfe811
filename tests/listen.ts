/**
 * A fetch handler behind a real socket, in any runtime that has Node's `http`.
 *
 * @module
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A server on loopback, on a port of its own. */
export interface Listening {
  /** Its address, without a slash at the end. */
  readonly origin: string;
  /** Ends it, open connections too. */
  close(): Promise<void>;
}

/** Serves requests. */
export async function listen(fetch: (request: Request) => Response | Promise<Response>): Promise<Listening> {
  const server = createServer(async (incoming, outgoing) => {
    const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]);
    const { method } = incoming;
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for await (const piece of incoming) pieces.push(piece);
    const body = method === "GET" || method === "HEAD" ? undefined : new Blob(pieces);
    const answer = await fetch(new Request(`http://${incoming.headers.host}${incoming.url}`, { method, headers, body }));
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
    for await (const piece of answer.body ?? []) outgoing.write(piece);
    outgoing.end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
