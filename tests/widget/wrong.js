/** @type {number} */
export const seconds = "ten"; // a wrong type, which the checker has to find
