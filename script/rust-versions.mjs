// Refuses what needs a newer Rust than the packages that use it promise: `cargo metadata
// --format-version 1 | node script/rust-versions.mjs PACKAGE...`. It reads what each package says of
// itself, and follows its dependencies, but not those of its tests.
import { readFileSync } from 'node:fs';

const { packages, resolve } = JSON.parse(readFileSync(0, 'utf8'));
const byId = new Map(packages.map((one) => [one.id, one]));
const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
const newer = (a, b) => {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number));
  return x[0] - y[0] || x[1] - y[1];
};

let tooNew = 0;
for (const name of process.argv.slice(2)) {
  const root = packages.find((one) => one.name === name && one.source === null);
  const seen = new Set();
  const waiting = [root.id];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const { rust_version: needs, name: used, version } = byId.get(id);
    if (needs && newer(needs, root.rust_version) > 0) {
      console.error(`${name} promises Rust ${root.rust_version}, but ${used} ${version} needs ${needs}`);
      tooNew += 1;
    }
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) {
      if (kinds.some(({ kind }) => kind !== 'dev')) waiting.push(pkg);
    }
  }
}
process.exit(tooNew > 0 ? 1 : 0);
