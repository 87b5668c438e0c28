// @ts-check
/* Files of the lab from the server, with progress; and an end to that once a photograph is chosen. */

const FOLDER = new URL("data/", import.meta.url);

/** @typedef {{version: string, files: Record<string, number>, [what: string]: any}} Index */

/** What there is, and how large it is. @returns {Promise<Index>} */
export const index = async () => {
  const answer = await fetch(new URL("lab.json", FOLDER), { cache: "no-cache" });
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return answer.json();
};

/** Load files one after the other.
 * @param {Index} about @param {string[]} names
 * @param {(bytes: number, total: number) => void} progress
 * @returns {Promise<Map<string, ArrayBuffer>>} */
export const load = async (about, names, progress) => {
  const total = names.reduce((sum, name) => sum + about.files[name], 0);
  const found = new Map();
  let done = 0;
  for (const name of names) {
    const answer = await fetch(new URL(`${name}?${about.version}`, FOLDER));
    if (!answer.ok || !answer.body) throw new Error(`${name}: ${answer.status}`);
    const whole = new Uint8Array(about.files[name]);
    let at = 0;
    for (const reader = answer.body.getReader(); ;) {
      const { done: last, value } = await reader.read();
      if (last) break;
      if (at + value.length > whole.length) throw new Error(`${name}: longer than expected`);
      whole.set(value, at);
      at += value.length;
      progress(done + at, total);
    }
    if (at !== whole.length) throw new Error(`${name}: ${at} of ${whole.length} bytes`);
    done += at;
    found.set(name, whole.buffer);
  }
  return found;
};

let locked = false;

/** From now on the browser refuses every request of this page. */
export const lock = () => {
  if (locked) return;
  locked = true;
  const policy = document.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content =
    "connect-src 'none'; img-src data: blob:; media-src 'none'; font-src 'none'; " +
    "frame-src 'none'; object-src 'none'; form-action 'none'; worker-src 'none'";
  document.head.append(policy);
};

export const isLocked = () => locked;
