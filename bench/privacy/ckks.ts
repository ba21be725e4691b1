/**
 * The sum of a million numbers under CKKS, by node-seal: one site's encryption, five additions, decryption. A ring of 8192
 * and primes of 60, 40 and 60 bits, as in TenSEAL's examples. Whoever decrypts is one party that can read every site.
 */
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

type Handle = object;
type Class<T, A extends readonly unknown[]> = new (...args: A) => T;

/** What of node-seal 7 is used here. */
interface Seal {
  readonly SchemeType: { readonly ckks: Handle };
  readonly SecLevelType: { readonly tc128: Handle };
  readonly ComprModeType: { readonly none: Handle };
  readonly CoeffModulus: { Create(degree: number, bits: Int32Array): Handle };
  readonly EncryptionParameters: Class<
    { setPolyModulusDegree(degree: number): void; setCoeffModulus(primes: Handle): void },
    [Handle]
  >;
  readonly SEALContext: Class<Handle, [Handle, boolean, Handle]>;
  readonly KeyGenerator: Class<{ createPublicKey(): Handle; secretKey(): Handle }, [Handle]>;
  readonly Plaintext: Class<Handle, []>;
  readonly Ciphertext: Class<{ saveToArray(mode: Handle): Uint8Array }, []>;
  readonly CKKSEncoder: Class<
    { encode(values: Float64Array, scale: number, into: Handle): void; decodeFloat64(from: Handle): Float64Array },
    [Handle]
  >;
  readonly Encryptor: Class<{ encrypt(from: Handle, into: Handle): void }, [Handle, Handle]>;
  readonly Evaluator: Class<{ addInplace(to: Handle, other: Handle): void }, [Handle]>;
  readonly Decryptor: Class<{ decrypt(from: Handle, into: Handle): void }, [Handle, Handle]>;
}

const degree = 8192;
const scale = 2 ** 40;
const count = 1_000_000;
const sites = 6;

/** @param directory in which node-seal is installed */
export async function ckks(directory: string) {
  const path = createRequire(join(resolve(directory), 'package.json')).resolve.paths('node-seal')![0]!;
  const file = pathToFileURL(join(path, 'node-seal/dist/index_throws.js')).href;
  const { default: load } = (await import(file)) as { default: () => Promise<Seal> };
  return measured(await load());
}

function measured(seal: Seal) {
  const parameters = new seal.EncryptionParameters(seal.SchemeType.ckks);
  parameters.setPolyModulusDegree(degree);
  parameters.setCoeffModulus(seal.CoeffModulus.Create(degree, Int32Array.of(60, 40, 60)));
  const context = new seal.SEALContext(parameters, true, seal.SecLevelType.tc128);
  const keys = new seal.KeyGenerator(context);
  const encoder = new seal.CKKSEncoder(context);
  const encryptor = new seal.Encryptor(context, keys.createPublicKey());
  const evaluator = new seal.Evaluator(context);
  const decryptor = new seal.Decryptor(context, keys.secretKey());
  const slots = degree / 2;
  const values = Float64Array.from({ length: count }, (_, at) => Math.sin(at) / 10);
  const parts = Array.from({ length: Math.ceil(count / slots) }, (_, at) =>
    values.subarray(at * slots, (at + 1) * slots),
  );
  const encrypted = timed(() =>
    parts.map((part) => {
      const [plain, cipher] = [new seal.Plaintext(), new seal.Ciphertext()];
      encoder.encode(part, scale, plain);
      encryptor.encrypt(plain, cipher);
      return cipher;
    }),
  );
  const bytes = encrypted.result.reduce((sum, each) => sum + each.saveToArray(seal.ComprModeType.none).length, 0);
  // Of six sites with the same numbers: itself added five times would double it each time.
  const others = encrypted.result.map((_, at) => {
    const [plain, cipher] = [new seal.Plaintext(), new seal.Ciphertext()];
    encoder.encode(parts[at]!, scale, plain);
    encryptor.encrypt(plain, cipher);
    return cipher;
  });
  const added = timed(() => {
    for (let site = 1; site < sites; site++) {
      for (const [at, cipher] of encrypted.result.entries()) evaluator.addInplace(cipher, others[at]!);
    }
  });
  const opened = timed(() =>
    encrypted.result.map((cipher) => {
      const plain = new seal.Plaintext();
      decryptor.decrypt(cipher, plain);
      return encoder.decodeFloat64(plain);
    }),
  );
  let largestError = 0;
  for (const [at, sums] of opened.result.entries()) {
    for (const [index, value] of parts[at]!.entries()) {
      largestError = Math.max(largestError, Math.abs(sums[index]! - sites * value));
    }
  }
  return {
    numbers: count,
    encryptSeconds: encrypted.seconds,
    addSeconds: added.seconds,
    decryptSeconds: opened.seconds,
    bytesANumber: bytes / count,
    largestError,
  };
}

/** CPU seconds, all threads. */
function timed<T>(work: () => T): { readonly result: T; readonly seconds: number } {
  const begin = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(begin);
  return { result, seconds: (user + system) / 1e6 };
}
