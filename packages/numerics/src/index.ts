export { createRandom, type Random, type RandomKey, type RandomState, resumeRandom } from './random.ts';
export { decodeSafetensors, encodeSafetensors, SafetensorsError, type SafetensorsFile } from './safetensors.ts';
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
