export { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from './half.ts';
export { type Moments, mergedMoments, momentsOf } from './moments.ts';
export { type ByteSource, NoiseSource } from './noise-source.ts';
export { createRandom, type Random, type RandomKey, type RandomState, resumeRandom } from './random.ts';
export {
  decodeSafetensors,
  encodeSafetensors,
  encodeSafetensorsHeader,
  readSafetensorsLayout,
  SafetensorsError,
  type SafetensorsFile,
  type SafetensorsLayout,
  safetensorsHeaderBytes,
  type TensorEntry,
} from './safetensors.ts';
export {
  type ArrayOfDType,
  arrayConstructor,
  type DType,
  elementCount,
  type Tensor,
  type TensorData,
  tensor,
  type Weights,
} from './tensor.ts';
