/** The slots for event streams that all pages of a site share in one browser. */

const SLOTS = 4; // of the six connections per host that a browser opens over HTTP/1.1

/**
 * Take one of the slots. Without a limit, event streams of different selections could use all of the connections per
 * host over HTTP/1.1, and other requests would wait. WebSockets don't count there.
 *
 * Resolve to a function that frees the slot, or to null if all slots are in use. Reject if the page can't use locks
 * (an insecure context or an opaque origin).
 * @returns {Promise<(() => void) | null>}
 */
export function acquireSlot(number = 1) {
  return new Promise((/** @type {(release: any) => void} */ resolve, reject) => {
    navigator.locks
      .request(`breaking-ticker${number}`, { ifAvailable: true }, (lock) => {
        if (lock) return new Promise(resolve); // the lock is held until this promise resolves
        return resolve(number < SLOTS ? acquireSlot(number + 1) : null);
      })
      .catch(reject);
  });
}
