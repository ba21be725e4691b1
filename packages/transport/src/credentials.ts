/** A certificate and the key that proves it is one's own, both PEM. The key never leaves its machine. */
export interface Credentials {
  readonly certificate: string;
  readonly key: string;
}
