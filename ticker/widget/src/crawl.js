/** @typedef {import("./fold.js").Line} Line */

const PIXELS_PER_SECOND = 80;
const BEHIND_ALL = 1e6; // in pixels: larger than any place in sight

/** The movement of the crawl layout: the list moves through the view in the direction in which its language is read. */
export class Crawl {
  #view;
  #list;
  #onEnd;
  /** @type {Animation | undefined} */
  #animation;
  isRightToLeft = false;

  /**
   * @param {HTMLElement} view
   * @param {HTMLElement} list
   * @param {() => void} onEnd called when all lines have passed
   */
  constructor(view, list, onEnd) {
    this.#view = view;
    this.#list = list;
    this.#onEnd = onEnd;
  }

  /**
   * Return the distance from the start of the view to the start of a node, in reading direction.
   * @param {Element} node
   */
  #startOf(node) {
    const [box, view] = [node, this.#view].map((each) => each.getBoundingClientRect());
    return this.isRightToLeft ? view.right - box.right : box.left - view.left;
  }

  /**
   * Return the order of lines in the crawl, and where the first one starts. Lines in sight keep their place. New lines
   * follow them, then the lines that would have come next, and last the lines that have passed.
   * @param {Line[]} lines
   * @param {(line: Line) => HTMLElement | undefined} nodeOf the node of a line that is in the list
   * @returns {[Line[], number]}
   */
  order(lines, nodeOf) {
    const width = this.#view.clientWidth;
    /** @type {Map<Line, number>} */
    const starts = new Map();
    for (const [index, line] of lines.entries()) {
      const node = nodeOf(line);
      const start = node ? this.#startOf(node) : width;
      const hasPassed = node && start + node.offsetWidth <= 0;
      starts.set(line, hasPassed ? BEHIND_ALL + index : start);
    }
    const startOf = (/** @type {Line} */ line) => starts.get(line) ?? 0;
    const ordered = [...lines].sort((left, right) => startOf(left) - startOf(right));
    return [ordered, Math.min(width, ...starts.values())];
  }

  /** Move from `start` until all lines have passed. @param {number} start in pixels from the start of the view */
  start(start) {
    const width = this.#list.offsetWidth;
    const sign = this.isRightToLeft ? -1 : 1;
    this.stop();
    this.#view.scrollLeft = 0; // the browser may have scrolled a focused link into sight
    this.#animation = this.#list.animate(
      { transform: [start, -width].map((x) => `translateX(${sign * x}px)`) },
      { duration: (1000 * (start + width)) / PIXELS_PER_SECOND, fill: "forwards" },
    );
    this.#animation.onfinish = this.#onEnd;
  }

  stop() {
    this.#animation?.cancel();
    this.#animation = undefined;
  }

  /** Move, or stand still for a while. @param {boolean} isRunning */
  setRunning(isRunning) {
    if (isRunning) this.#animation?.play();
    else this.#animation?.pause();
  }

  /** Bring an item to the start of the view, if the list moves. @param {Element} item */
  bringIntoSight(item) {
    if (this.#animation) this.start(this.#startOf(this.#list) - this.#startOf(item));
  }
}
