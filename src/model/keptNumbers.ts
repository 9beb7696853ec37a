import * as tf from '@tensorflow/tfjs';
import { badArgument } from '../core/errors';
import { isRecord } from './files';
import type { ExactType, Numbers } from './writeSafetensors';

/** Numbers in a state: a tensor, or an array of which the type is part of the value. */
export type Leaf = tf.Tensor | Numbers;

/** What stands in the JSON of a state for what JSON has no place for. Objects with such fields of their own are wrapped in `$object`. */
type Marker = 'tensor' | 'array' | 'number' | 'object';
const mark = (marker: Marker, value: unknown) => ({ [`$${marker}`]: value });

/** Takes states apart: gives the JSON, a copy, and puts the numbers into `leaves` under names such as `guard/fisher.NAME`. */
export type TakeApart = (state: unknown, at: string) => unknown;

/**
 * @param leaves gets copies; tensors are clones, which share their data until the original is replaced, and are kept. What occurs twice, as a clone
 *   too, is there once.
 * @throws HoldfastError `bad-argument` with the place of what cannot be saved
 */
export function takingApart(leaves: Map<string, Leaf>): TakeApart {
  const data = new Map<object, string>();

  const add = (place: string, leaf: Leaf): string => {
    // Keys may hold '/' themselves, so two places may have one name.
    let name = place;
    for (let i = 2; leaves.has(name); i++) name = `${place}#${i}`;
    leaves.set(name, leaf);
    return name;
  };

  const addTensor = (tensor: tf.Tensor, place: string): string => {
    const twin = data.get(tensor.dataId);
    const known = twin === undefined ? undefined : (leaves.get(twin) as tf.Tensor);
    if (known && known.dtype === tensor.dtype && tf.util.arraysEqual(known.shape, tensor.shape)) return twin!;
    if (!Object.hasOwn(tensorTypes, tensor.dtype))
      throw badArgument('save', `the tensor at ${place} is of type ${tensor.dtype}: only float32, int32 and bool can be saved`);
    const name = add(place, tf.keep(tf.clone(tensor)));
    data.set(tensor.dataId, name);
    return name;
  };

  const walk: TakeApart = (item, place) => {
    if (item === null || typeof item === 'string' || typeof item === 'boolean') return item;
    if (typeof item === 'number') return isPlainNumber(item) ? item : mark('number', Object.is(item, -0) ? '-0' : String(item));
    if (item instanceof tf.Tensor) return mark('tensor', addTensor(item as tf.Tensor, place));
    if (isNumbers(item)) return mark('array', add(place, item.slice()));
    if (Array.isArray(item)) return Array.from<unknown, unknown>(item, (entry, i) => walk(entry, `${place}/${i}`));
    if (!isPlainObject(item)) throw badArgument('save', `the state at ${place} is ${describe(item)}, which cannot be saved`);
    const entries = Object.entries(item).filter(([, entry]) => entry !== undefined);
    const object = Object.fromEntries(entries.map(([key, entry]) => [key, walk(entry, `${place}/${key}`)]));
    return entries.some(([key]) => key.startsWith('$')) ? mark('object', object) : object;
  };
  return walk;
}

/** The state that was taken apart. */
export function putTogether(json: unknown, leafOf: (name: string, isTensor: boolean) => Leaf): unknown {
  const fields = (object: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(object).map(([key, entry]) => [key, walk(entry)]));
  const walk = (item: unknown): unknown => {
    if (Array.isArray(item)) return item.map(walk);
    if (!isRecord(item)) return item;
    if (Object.hasOwn(item, '$number')) return Number(item['$number']);
    if (Object.hasOwn(item, '$object')) return fields(item['$object'] as Record<string, unknown>);
    if (Object.hasOwn(item, '$array')) return leafOf(String(item['$array']), false);
    return Object.hasOwn(item, '$tensor') ? leafOf(String(item['$tensor']), true) : fields(item);
  };
  return walk(json);
}

const tensorTypes = { float32: 'F32', int32: 'I32', bool: 'BOOL' } as const satisfies Record<string, ExactType>;

/** How a leaf is stored: in its own type, so that it comes back bit for bit. */
export const storedType = (leaf: Leaf): ExactType =>
  leaf instanceof tf.Tensor ? tensorTypes[leaf.dtype as keyof typeof tensorTypes] : arrayType(leaf)!;

function arrayType(value: unknown): ExactType | undefined {
  if (value instanceof Float32Array) return 'F32';
  if (value instanceof Float64Array) return 'F64';
  if (value instanceof Int32Array) return 'I32';
  if (value instanceof Uint32Array) return 'U32';
  // Not Buffer, which would come back as another type.
  return value instanceof Uint8Array && value.constructor === Uint8Array ? 'U8' : undefined;
}

const isNumbers = (value: unknown): value is Numbers => arrayType(value) !== undefined;

const isPlainNumber = (value: number): boolean => Number.isFinite(value) && !Object.is(value, -0);

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const describe = (value: unknown): string =>
  typeof value === 'object' ? `a ${(value as object).constructor?.name ?? 'object'}` : `of type ${typeof value}`;
