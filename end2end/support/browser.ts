// Finds the browser that the operating system's packages installed; none is ever downloaded.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The path of `chromium` as the shell would find it, or of the browser named by `DOORWARD_CHROMIUM`. */
export function chromiumExecutable(): string {
  const chosen = process.env['DOORWARD_CHROMIUM'];
  if (chosen) return chosen;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(folder, 'chromium');
    if (existsSync(candidate)) return candidate;
  }
  throw new Error(
    'chromium is not on the PATH: install it (Debian: apt-get install chromium) or name a browser with DOORWARD_CHROMIUM',
  );
}
