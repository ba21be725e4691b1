/** What a browser may see of this package. */
export {};
