// Starts WebKitWebDriver on a screen of its own, and stops both.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

/** A program that takes longer than this to answer is broken; in milliseconds. */
const patience = 120_000;

/** WebKit without a graphics card. Its sandbox refuses to be started by root. */
const environment = {
  ...process.env,
  LIBGL_ALWAYS_SOFTWARE: '1',
  WEBKIT_DISABLE_COMPOSITING_MODE: '1',
  ...(process.getuid?.() === 0 ? { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' } : {}),
};

/** Starts the driver at this URL; gives a function that stops it. */
export async function startDriver(url: string): Promise<() => Promise<void>> {
  const running: ChildProcess[] = [];
  const stop = async () => {
    for (const child of running.reverse()) await stopped(child);
  };
  try {
    const screen = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    running.push(screen);
    const display = await firstLine(screen);
    const { hostname, port } = new URL(url);
    const driver = spawn('WebKitWebDriver', [`--host=${hostname}`, `--port=${port}`], {
      env: { ...environment, DISPLAY: `:${display}`, GDK_BACKEND: 'x11' },
      stdio: 'ignore',
    });
    running.push(driver);
    await untilReady(driver, url);
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

/** The browser that belongs to the driver. Debian keeps it where no shell looks for it. */
export function miniBrowser(): string {
  const chosen = process.env['DOORWARD_WEBKIT'];
  if (chosen) return chosen;
  for (const folder of readdirSync('/usr/lib')) {
    const candidate = join('/usr/lib', folder, 'webkit2gtk-4.1/MiniBrowser');
    if (existsSync(candidate)) return candidate;
  }
  throw new Error(
    'MiniBrowser of WebKitGTK is missing: install it (Debian: apt-get install webkit2gtk-driver) or name it with DOORWARD_WEBKIT',
  );
}

/** The number of the screen, which the program writes once it is there. */
async function firstLine(screen: ChildProcess): Promise<string> {
  let text = '';
  const output = screen.stdio[3] as Readable;
  return new Promise((found, failed) => {
    output.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.endsWith('\n')) found(text.trim());
    });
    screen.once('error', failed);
    screen.once('exit', () => failed(new Error('Xvfb ended: is it installed (Debian: xvfb)?')));
  });
}

async function untilReady(driver: ChildProcess, url: string): Promise<void> {
  let problem: unknown;
  driver.once('error', (error) => (problem = error));
  driver.once('exit', (status) => (problem ??= new Error(`WebKitWebDriver ended: ${status}`)));
  const deadline = Date.now() + patience;
  for (;;) {
    if (problem) throw problem;
    const ready = await fetch(`${url}/status`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return;
    if (Date.now() > deadline) throw new Error(`WebKitWebDriver does not answer on ${url}`);
    await pause(50);
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  await ended;
}
