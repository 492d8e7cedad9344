// SPDX-License-Identifier: Apache-2.0
// When a direct path has failed: nothing came although something should have.

export const TICK_MS = 100;
const QUIET_MS = 300;
const FIRST_MS = 3000; // of a track that was just switched on

/** One for each path; told of all packets so far, each TICK_MS or so. */
export class Quiet {
  #packets = 0;
  #ms = 0;
  #limitMs = FIRST_MS;

  /** @returns whether the path has failed. @param tickMs  since the last look: a page that was held up itself has not
   *  looked, so no more than two ticks of it count */
  look(packets: number, expected: boolean, tickMs: number): boolean {
    if (packets > this.#packets) {
      this.#packets = packets;
      this.#ms = 0;
      this.#limitMs = QUIET_MS;
    } else if (!expected) {
      this.#ms = 0;
      this.#limitMs = FIRST_MS;
    } else {
      this.#ms += Math.min(tickMs, 2 * TICK_MS);
    }
    return this.#ms >= this.#limitMs;
  }
}
