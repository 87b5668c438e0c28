// @ts-check

/** Messages to and from the worker, as promises. */
export class Computer {
  constructor() {
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.waiting = new Map();
    this.last = 0;
    this.worker.onmessage = ({ data: { id, end, problem, ...what } }) => {
      const { resolve, reject, progress } = this.waiting.get(id);
      if (!end) return progress(what);
      this.waiting.delete(id);
      if (problem) reject(new Error(problem));
      else resolve(what);
    };
    this.worker.onerror = (event) => {
      for (const { reject } of this.waiting.values()) reject(new Error(event.message));
      this.waiting.clear();
    };
  }

  /** @param {string} job @param {Record<string, any>} [what] @param {(part: any) => void} [progress]
   * @param {Transferable[]} [given] @returns {Promise<any>} */
  ask(job, what = {}, progress = () => {}, given = []) {
    return new Promise((resolve, reject) => {
      this.waiting.set(++this.last, { resolve, reject, progress });
      this.worker.postMessage({ id: this.last, job, ...what }, given);
    });
  }
}
