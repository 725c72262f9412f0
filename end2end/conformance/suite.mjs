// Speaks to the suite's API.

const SUITE = process.env.SUITE ?? 'https://localhost:8443';
const ENDED = ['FINISHED', 'INTERRUPTED'];

async function call(method, path, body) {
  const headers = {};
  if (body !== undefined)
    headers['content-type'] = typeof body === 'string' ? 'text/plain' : 'application/json';
  const answer = await fetch(`${SUITE}/api/${path}`, {
    method,
    headers,
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export const address = SUITE;
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
export const hasEnded = (info) => ENDED.includes(info.status);

const query = (values) => new URLSearchParams(values).toString();

/** A new run of a plan: its identifier and its modules. */
export const newPlan = (name, variant, config) =>
  call('POST', `plan?${query({ planName: name, variant: JSON.stringify(variant) })}`, config);

/** A new run of a module: its identifier. */
export const newModule = async (plan, module) => {
  const variant = JSON.stringify(module.variant ?? {});
  return (await call('POST', `runner?${query({ test: module.testModule, plan, variant })}`)).id;
};

export const info = (id) => call('GET', `info/${id}`);
export const log = (id) => call('GET', `log/${id}`);
export const start = (id) => call('POST', `runner/${id}`);
export const cancel = (id) => call('DELETE', `runner/${id}`).catch(() => {});

/** What the module wants to be opened in a browser. */
export const browser = (id) => call('GET', `runner/browser/${id}`).catch(() => ({ urls: [] }));
export const visited = (id, url) =>
  call('POST', `runner/browser/${id}/visit?${query({ url })}`).catch(() => {});

/** Gives the module the picture that it waits for. */
export const upload = (id, place, png) =>
  call('POST', `log/${id}/images/${place}`, `data:image/png;base64,${png.toString('base64')}`);

/** The result of a module: PASSED, REVIEW, WARNING, SKIPPED, FAILED, or how it did not end. */
export const resultOf = (info) =>
  info.status === 'FINISHED' ? info.result : `${info.status}/${info.result}`;

/** The lines of a log that say what went wrong. */
export const complaints = (log) =>
  log
    .filter((line) => ['FAILURE', 'WARNING'].includes(line.result))
    .map((line) => `    ${line.result} ${line.src}: ${String(line.msg).slice(0, 300)}`);
