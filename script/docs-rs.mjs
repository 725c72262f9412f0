// How docs.rs compiles packages for another target than its own, as arguments of cargo, a line for
// each package and target: `cargo metadata --format-version 1 | node script/docs-rs.mjs
// PACKAGE...`.
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync(0, 'utf8'));
for (const name of process.argv.slice(2)) {
  const { metadata } = packages.find((one) => one.name === name && one.source === null);
  const { targets = [], features = [], 'all-features': all } = metadata?.docs?.rs ?? {};
  const chosen = all ? '--all-features' : `--features=${features.join(',')}`;
  for (const target of targets) console.log(`--package=${name} --target=${target} ${chosen}`);
}
