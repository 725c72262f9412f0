// Receives what the provider sends a client's server: queries and forms by the browser, and its own logout tokens.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Listens on one origin and keeps each request until it is asked for. */
export class Receiver {
  private readonly arrived: Request[] = [];
  private readonly waiting: { path: string; take: (request: Request) => void }[] = [];
  private readonly server: Server;

  private constructor() {
    this.server = createServer((message, response) => {
      void this.take(message).finally(() => {
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
        response.end('<!doctype html><link rel="icon" href="data:,"><title>Back</title><h1>Back</h1>');
      });
    });
  }

  /** Starts on the port of an origin; on any free port where the origin has port 0. */
  static async start(origin: string): Promise<Receiver> {
    const receiver = new Receiver();
    const { hostname, port } = new URL(origin);
    await new Promise<void>((listening, failed) => {
      receiver.server.once('error', failed);
      receiver.server.listen(Number(port), hostname, listening);
    });
    return receiver;
  }

  /** The port it listens on. */
  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The oldest request to a path that was not asked for yet, or the next that comes. */
  next(path: string): Promise<Request> {
    const index = this.arrived.findIndex((request) => new URL(request.url).pathname === path);
    const [request] = index < 0 ? [] : this.arrived.splice(index, 1);
    return request ? Promise.resolve(request) : new Promise((take) => this.waiting.push({ path, take }));
  }

  async stop(): Promise<void> {
    const closed = new Promise((done) => this.server.close(done));
    this.server.closeAllConnections();
    await closed;
  }

  private async take(message: IncomingMessage): Promise<void> {
    const { method = 'GET', url = '/', headers } = message;
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const request = new Request(new URL(url, `http://${headers.host}`), {
      method,
      headers: { 'content-type': headers['content-type'] ?? '' },
      body: method === 'POST' ? Buffer.concat(chunks) : null,
    });
    const index = this.waiting.findIndex(({ path }) => new URL(request.url).pathname === path);
    const [waiting] = index < 0 ? [] : this.waiting.splice(index, 1);
    if (waiting) waiting.take(request);
    else this.arrived.push(request);
  }
}
