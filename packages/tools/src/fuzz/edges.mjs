/** Which edges were seen so far, and how often in one input. */

/**
 * The memory of a coverage-guided run: an input is new when it takes an edge for the first time, or a number of times that
 * falls into a class not seen yet (1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127, more).
 */
export class SeenEdges {
  #edges;
  #words;
  /** For each edge, a bit for each class. */
  #classes;

  /** @param {Uint8Array} edges the counters, a multiple of four */
  constructor(edges) {
    this.#edges = edges;
    this.#words = new Uint32Array(edges.buffer, edges.byteOffset, edges.length / 4);
    this.#classes = new Uint8Array(edges.length);
  }

  /** Takes in what the counters say, and sets them to 0. @returns {boolean} whether anything was new */
  take() {
    let isNew = false;
    for (let word = 0; word < this.#words.length; word++) {
      if (this.#words[word] === 0) continue;
      for (let edge = 4 * word; edge < 4 * word + 4; edge++) {
        const seen = this.#classes[edge] ?? 0;
        const now = seen | (classOf[this.#edges[edge] ?? 0] ?? 0);
        if (now === seen) continue;
        this.#classes[edge] = now;
        isNew = true;
      }
      this.#words[word] = 0;
    }
    return isNew;
  }

  /** How many of the edges from `start` to before `end` were seen. @param {number} start @param {number} end */
  count(start, end) {
    return this.#classes.subarray(start, end).reduce((sum, classes) => sum + (classes === 0 ? 0 : 1), 0);
  }
}

/** Bit of the class by number of visits. */
const classOf = Uint8Array.from({ length: 256 }, (_, visits) => {
  if (visits < 4) return [0, 1, 2, 4][visits] ?? 0;
  if (visits < 16) return visits < 8 ? 8 : 16;
  if (visits < 128) return visits < 32 ? 32 : 64;
  return 128;
});
