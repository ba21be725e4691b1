/** What lies beside an export, so that it can be checked without us. */
export const exportReadme = `# An audit log, exported

- \`entries.jsonl\`: an entry a line, UTF-8, in order. \`number\` counts from 0; \`previous\` is the leaf hash of the line
  before, 64 zeros in the first.
- \`head.json\`: how many entries there are, the root over them, and the signature.
- \`public.pem\`: the key that the log said is its own. Compare it with one that you have from elsewhere.

To check it:

1. Of each line, without its newline: leaf = SHA-256(0x00 || line).
2. The root over all leaves is the Merkle tree hash of RFC 9162, 2.1: node = SHA-256(0x01 || left || right), where left
   holds the largest power of two of leaves that is smaller than all. It must be \`root\`, and the number of lines \`size\`.
3. \`signature\` is Ed25519 over these five lines, each ended by a newline: \`consilium audit head 1\`, \`log\`, \`size\`,
   \`root\`, \`time\`. \`log\` is the SHA-256 of the public key (SPKI, DER).

\`consilium audit verify --export DIR --key public.pem\` does the same.

What it shows: nobody has changed these entries since the head was signed. What it does not: that the log's owner did not
begin another log; for that there are the heads that the other side keeps.
`;
