/** The shell script that makes a rehearsal again from its seed, and says whether the weights are the same. */

export function reproduceScript(
  options: readonly string[],
  { weightsSha256, version }: { readonly weightsSha256: string; readonly version: string | undefined },
): string {
  return `#!/bin/sh
# Makes the numbers of this crate again. Run it in a checkout of Consilium ${version ?? ''}, on Node 24:
#   sh reproduce.sh
# The same seed gives the same bytes on processors of the same kind; on others, weights may differ in their last bits, and
# the numbers with them by less than their intervals.
set -eu
npm run rehearse -- ${options.map(quoted).join(' ')} --out reproduced
echo '${weightsSha256}  reproduced/model/weights.safetensors' | sha256sum --check
`;
}

function quoted(option: string): string {
  return /^[A-Za-z0-9._=-]+$/.test(option) ? option : `'${option.replaceAll("'", "'\\''")}'`;
}
