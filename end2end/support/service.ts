// Starts a PostgreSQL or an OpenLDAP of this machine for the time of a test, by the programs of `crates/test-*`.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { program } from './example.ts';

/** A running service. It ends with `stop`, and with the process that started it. */
export class Service {
  private constructor(
    private readonly child: ChildProcess,
    private readonly lines: AsyncIterator<string>,
    private readonly complaint: () => string,
    /** Where it is. */
    readonly url: string,
  ) {}

  /** Starts a program that prints where its service is. */
  static async start(name: 'test-postgres' | 'test-slapd', ...args: string[]): Promise<Service> {
    const child = spawn(program(name), args, { stdio: 'pipe' });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done) throw new Error(`${name} did not start:\n${errors}`);
    return new Service(child, lines, () => errors, first.value);
  }

  /** Has the service do what the line says, and waits until it is done. */
  async tell(line: string): Promise<void> {
    this.child.stdin?.write(`${line}\n`);
    const answer = await this.lines.next();
    if (answer.done) throw new Error(`"${line}" was not done:\n${this.complaint()}`);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = new Promise<void>((done) => this.child.once('exit', () => done()));
    this.child.stdin?.end();
    await ended;
  }
}
