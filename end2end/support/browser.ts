// Finds the browsers that the operating system's packages installed; none is ever downloaded.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The path of a browser's command as the shell would find it, or of the browser that the environment variable names. */
export function browserExecutable(command: 'chromium' | 'firefox-esr', variable: string): string {
  const chosen = process.env[variable];
  if (chosen) return chosen;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(folder, command);
    if (existsSync(candidate)) return candidate;
  }
  throw new Error(
    `${command} is not on the PATH: install it (Debian: apt-get install ${command}) or name a browser with ${variable}`,
  );
}
