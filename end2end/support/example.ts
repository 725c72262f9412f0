// Starts the compiled programs of `examples/` and `templates/`.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const repository = resolve(import.meta.dirname, '../..');

/** A program that takes longer than this to answer is broken; in milliseconds. */
const patience = 120_000;

/** Starts the example of this name, which answers at this URL; gives a function that stops it. */
export async function startExample(
  name: string,
  url: string,
  env: Readonly<Record<string, string>>,
): Promise<() => Promise<void>> {
  if (await answers(url)) throw new Error(`something already answers on ${url}: stop it first`);
  const child = spawn(program(name), [], { cwd: repository, env: { ...process.env, ...env }, stdio: 'pipe' });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const deadline = Date.now() + patience;
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stopped(child);
      throw new Error(`${name} does not answer on ${url}:\n${output}`);
    }
    await pause(50);
  }
  return () => stopped(child);
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  await ended;
}

/** The executable of this package. */
export function program(name: string): string {
  const built = join(process.env['EXAMPLES_BIN'] ?? join(repository, 'target/debug'), name);
  if (existsSync(built)) return built;
  throw new Error(`the program was not built: run cargo build -p ${name}`);
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    async (answer) => {
      await answer.body?.cancel();
      return true;
    },
    () => false,
  );
}
