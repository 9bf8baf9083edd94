/** A virtual screen reader in a page, for tests. It reads the shadow tree of one element. */

import { Virtual } from "@guidepup/virtual-screen-reader/browser.js";

const LIVE = /^(polite|assertive): /;

class ScreenReader {
  #reader = new Virtual(); // stays at its start, and hears the live regions
  #container;

  /** @param {Element} element */
  constructor(element) {
    this.#container = element.shadowRoot.querySelector("[part=ticker]");
  }

  /** Begin to listen. */
  start() {
    return this.#reader.start({ container: this.#container });
  }

  /** Read everything once, from the first phrase to the last one. */
  async read() {
    const cursor = new Virtual();
    await cursor.start({ container: this.#container });
    const phrases = [await cursor.lastSpokenPhrase()];
    const first = cursor.activeNode;
    for (;;) {
      await cursor.next();
      const phrase = await cursor.lastSpokenPhrase();
      if (cursor.activeNode === first && phrase === phrases[0]) break;
      phrases.push(phrase);
    }
    await cursor.stop();
    return phrases;
  }

  /** Return all announcements of live regions so far. */
  async announcements() {
    await new Promise(setTimeout); // the reader speaks one step after a change
    return (await this.#reader.spokenPhraseLog()).filter((phrase) => LIVE.test(phrase));
  }
}

globalThis.ScreenReader = ScreenReader;
