/** @typedef {import("./fold.js").Line} Line */

const PIXELS_PER_SECOND = 80;
const PAUSE_AT_END_MS = 3_000; // before a single long line begins again
const BEHIND_ALL = 1e6; // in pixels: larger than any place in sight
const ROUNDING = 1; // in pixels

/**
 * The movement of the crawl layout: the list moves through the view in the direction in which its language is read.
 *
 * The view is never empty. As soon as the first line has passed, it becomes the last one, outside of the view.
 */
export class Crawl {
  #view;
  #list;
  #onPassed;
  /** @type {Animation | undefined} */
  #animation;
  #isStarted = false; // whether the lines have places
  isRightToLeft = false;
  /** The place of each line, from the start of the view, at the last `order`. @type {Map<Line, number>} */
  #places = new Map();

  /**
   * @param {HTMLElement} view
   * @param {HTMLElement} list
   * @param {() => void} onPassed called when the first line has passed
   */
  constructor(view, list, onPassed) {
    this.#view = view;
    this.#list = list;
    this.#onPassed = onPassed;
  }

  /**
   * Return the distance from the start of the view to the start of a node, in reading direction.
   * @param {Element} node
   */
  #startOf(node) {
    const [box, view] = [node, this.#view].map((each) => each.getBoundingClientRect());
    return this.isRightToLeft ? view.right - box.right : box.left - view.left;
  }

  /** Return where the end of a node is, from the start of the view. @param {Element} node */
  #endOf(node) {
    return this.#startOf(node) + node.getBoundingClientRect().width;
  }

  /**
   * Return the lines in the order of the crawl, and remember the place of each. Lines in sight keep their place. New
   * lines don't have one yet, and follow them. Then come the lines that would have come next, and last the lines that have passed.
   * @param {Line[]} lines
   * @param {(line: Line) => HTMLElement | undefined} nodeOf the node of a line that is in the list
   */
  order(lines, nodeOf) {
    const width = this.#view.clientWidth;
    const places = (this.#places = new Map());
    const placeOf = (/** @type {Line} */ line) => places.get(line) ?? width;
    for (const [index, line] of lines.entries()) {
      const node = this.#isStarted && nodeOf(line);
      if (node) places.set(line, this.#endOf(node) < ROUNDING ? BEHIND_ALL + index : this.#startOf(node));
    }
    return [...lines].sort((left, right) => placeOf(left) - placeOf(right));
  }

  /**
   * Put the lines at their places, or behind the line before them, and move. Only `translate` places them: a line that
   * moved in the layout would count as a layout shift.
   * @param {Line[]} lines from `order`
   */
  start(lines) {
    const width = this.#view.clientWidth; // lines that have passed are outside of the view
    const start = Math.min(this.#places.get(lines[0]) ?? 0, 0);
    let end = start;
    for (const [index, node] of this.#nodes.entries()) {
      const place = Math.max(end, Math.min(this.#places.get(lines[index]) ?? 0, width));
      node.style.translate = this.#shift(place - start);
      end = place + node.getBoundingClientRect().width;
    }
    this.#isStarted = true;
    this.#move(start);
  }

  /** Return the value of `translate` for a distance in reading direction. @param {number} distance in pixels */
  #shift = (distance) => `${this.isRightToLeft ? -distance : distance}px`;

  get #nodes() {
    return /** @type {HTMLElement[]} */ ([...this.#list.children]);
  }

  /**
   * Move until the first line in sight has passed. A line that is alone moves until its end is in sight.
   * @param {number} start where the list starts, from the start of the view
   */
  #move(start) {
    const nodes = this.#nodes;
    const isAlone = nodes.length === 1;
    this.#animation?.cancel();
    this.#view.scrollLeft = 0; // the browser may have scrolled a focused link into sight
    const origin = this.#startOf(this.#list);
    const ends = nodes.map((node) => this.#endOf(node) - origin);
    const end = isAlone
      ? this.#view.clientWidth - ends[0]
      : -(ends.find((each) => start + each >= ROUNDING) ?? 0);
    if (isAlone) start = 0;
    this.#animation = undefined;
    if (start <= end) return; // a line that is alone and fits stands still
    this.#animation = this.#list.animate(
      { translate: [start, end].map(this.#shift) },
      {
        duration: (1000 * (start - end)) / PIXELS_PER_SECOND,
        endDelay: isAlone ? PAUSE_AT_END_MS : 0,
        fill: "forwards",
      },
    );
    this.#animation.onfinish = this.#onPassed;
  }

  stop() {
    this.#animation?.cancel();
    this.#animation = undefined;
    this.#isStarted = false;
    for (const node of this.#nodes) node.style.translate = "";
  }

  /** Move, or stand still for a while. @param {boolean} isRunning */
  setRunning(isRunning) {
    if (isRunning) this.#animation?.play();
    else this.#animation?.pause();
  }

  /** Bring an item to the start of the view, if the list moves. @param {Element} item */
  bringIntoSight(item) {
    if (this.#animation) this.#move(this.#startOf(this.#list) - this.#startOf(item));
  }
}
