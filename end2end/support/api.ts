// An API that answers as a test says.
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';

/** A request as it arrived. */
export interface Arrived {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What is answered. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** Listens on one origin. Pages of all origins may call it. */
export class Api {
  /** The requests since the test began, oldest first; without those by which browsers ask whether they may call. */
  readonly arrived: Arrived[] = [];
  private answers: (Answer | 'none')[] = [];

  private constructor(private readonly server: Server) {}

  static async start(origin: string): Promise<Api> {
    const { hostname, port } = new URL(origin);
    const server = createServer();
    const api = new Api(server);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method = 'GET', headers } = request;
        api.take({ method, headers, body: Buffer.concat(chunks) }, response);
      });
    });
    await new Promise<void>((listening, failed) => {
      server.once('error', failed);
      server.listen(Number(port), hostname, listening);
    });
    return api;
  }

  /** Begins anew: the next requests get these answers, and the last one all others. With `none` they wait for ever. */
  expect(...answers: (Answer | 'none')[]): void {
    this.arrived.length = 0;
    this.answers = answers;
  }

  async stop(): Promise<void> {
    const closed = new Promise((done) => this.server.close(done));
    this.server.closeAllConnections();
    await closed;
  }

  private take(request: Arrived, response: ServerResponse): void {
    const cors = {
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'authorization, content-type, dpop',
      'access-control-expose-headers': 'www-authenticate',
    };
    if (request.method === 'OPTIONS') {
      response.writeHead(204, cors).end();
      return;
    }
    this.arrived.push(request);
    const [answer] = this.answers.length > 1 ? this.answers.splice(0, 1) : this.answers;
    if (answer === 'none') return;
    const { status = 500, headers = {}, body = '' } = answer ?? {};
    response.writeHead(status, { ...cors, ...headers }).end(body);
  }
}
