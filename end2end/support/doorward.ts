// Starts and stops `doorward` processes for the tests.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Origins } from './instances.ts';

const repository = resolve(import.meta.dirname, '../..');

/** A server that takes longer than this to answer, or to end, is broken; in milliseconds. */
const patience = 120_000;

/** What to start. */
export interface StartOptions {
  /** Where the server will answer, according to its configuration. */
  readonly origins: Origins;
  /** The name of a file in `config/`; without one the server starts in demo mode. */
  readonly config?: string;
  /** Texts of that file, and what stands in their place: what is known only when the process starts. */
  readonly changes?: Readonly<Record<string, string>>;
  /** The parts that this process runs, as `--role` takes them; all of them by default. */
  readonly roles?: readonly ('provider' | 'api' | 'app')[];
  /** An origin that tells its health by plain http, where the others speak TLS. */
  readonly healthAt?: string;
  /** More environment variables, such as `DOORWARD_APP__SCOPE`. */
  readonly env?: Readonly<Record<string, string>>;
}

/** One running `doorward` with a data folder of its own, which lasts until `stop`. */
export class Doorward {
  private readonly folder = mkdtempSync(join(tmpdir(), 'doorward-end2end-'));
  private process: ChildProcess | undefined;
  private output = '';

  private constructor(private readonly options: StartOptions) {}

  /** Starts a server and waits until it is ready. */
  static async start(options: StartOptions): Promise<Doorward> {
    const server = new Doorward(options);
    try {
      await server.resume();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** Starts the process again after `halt`, on the same data. */
  async resume(): Promise<void> {
    const { roles } = this.options;
    await Promise.all(this.addresses().map(refuseTaken));
    const args = ['serve', ...this.configuration()];
    if (roles) args.push('--role', roles.join(','));
    const child = spawn(binary(), args, {
      cwd: this.folder,
      env: this.environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process = child;
    const keep = (chunk: Buffer) => (this.output = (this.output + chunk.toString()).slice(-8_000));
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('error', (error) => keep(Buffer.from(String(error))));
    const health = this.options.healthAt ? [this.options.healthAt] : this.addresses();
    await Promise.all(health.map((address) => this.ready(address)));
  }

  /** Runs a command of an operator on the same configuration and data, and returns what it prints. */
  run(...args: string[]): string {
    return execFileSync(binary(), [...args, ...this.configuration()], {
      cwd: this.folder,
      env: this.environment(),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  private configuration(): string[] {
    const { config, changes } = this.options;
    if (!config) return [];
    const file = resolve(import.meta.dirname, '../config', config);
    if (!changes) return ['--config', file];
    const changed = join(this.folder, config);
    const text = Object.entries(changes).reduce(
      (text, [from, to]) => text.replaceAll(from, () => to),
      readFileSync(file, 'utf8'),
    );
    writeFileSync(changed, text);
    return ['--config', changed];
  }

  private environment(): NodeJS.ProcessEnv {
    const path = join(this.folder, 'doorward.sqlite3');
    return { ...inherited(), ...site(), DOORWARD_STORE__PATH: path, ...this.options.env };
  }

  /** Ends the process and keeps its data. */
  async halt(): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((done) => child.once('exit', () => done()));
    const force = setTimeout(() => child.kill('SIGKILL'), patience);
    child.kill('SIGTERM');
    await ended;
    clearTimeout(force);
  }

  /** Ends the process and removes its data. */
  async stop(): Promise<void> {
    await this.halt();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The origins that this process serves, by its roles. */
  private addresses(): string[] {
    const { origins, roles = ['provider', 'api', 'app'] } = this.options;
    const served = [];
    if (roles.includes('provider')) served.push(origins.provider);
    if (roles.includes('app') || roles.includes('api')) served.push(origins.app);
    // An issuer may have a path.
    return [...new Set(served.map((url) => new URL(url).origin))];
  }

  private async ready(origin: string): Promise<void> {
    const deadline = Date.now() + patience;
    for (;;) {
      if (this.process?.exitCode !== null) {
        throw new Error(`doorward ended before it was ready:\n${this.output}`);
      }
      if (await answers(`${origin}/health/ready`)) return;
      if (Date.now() > deadline) {
        throw new Error(`doorward does not answer on ${origin}:\n${this.output}`);
      }
      await pause(50);
    }
  }
}

/** The executable under test. */
function binary(): string {
  const chosen = process.env['DOORWARD_BIN'];
  if (chosen) return resolve(chosen);
  const built = join(repository, 'target/doorward');
  if (existsSync(built)) return built;
  throw new Error('no doorward was built: run script/build, or name one with DOORWARD_BIN');
}

/** A folder with the application's files, in place of those that the executable contains. */
function site(): NodeJS.ProcessEnv {
  const root = process.env['LEPTOS_SITE_ROOT'];
  return root === undefined ? {} : { LEPTOS_SITE_ROOT: resolve(root) };
}

/** Our environment without the settings of a Doorward that the caller may have. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(DOORWARD|LEPTOS)_/.test(name)),
  );
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

/** Another server on our port would be tested in place of ours. */
async function refuseTaken(origin: string): Promise<void> {
  const taken = await fetch(origin).then(
    () => true,
    () => false,
  );
  if (taken) throw new Error(`something already listens on ${origin}: stop it, then run the tests again`);
}
