/** @type {number} */
export const seconds = "ten"; // wrong on purpose: shows that the checker checks
