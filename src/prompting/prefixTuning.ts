import { requireCount } from '../core/errors';
import { freshWeight } from '../model/freshWeights';
import type { PretrainedModel } from '../model/model';
import { adapted, type AdaptedModel, type AdaptedOptions } from './adapted';
import { wholeTable } from './wholeTable';

export interface PrefixTuningOptions extends AdaptedOptions {
  /** Keys and values N of each layer; 0 is the model itself. Default 20. */
  readonly length?: number;
}

/**
 * Prefix tuning, or P-tuning v2: in every layer the text also sees N trainable keys and values, the model itself may stay frozen.
 *
 * `softmax(Q [P_K; K]ᵀ / √d) [P_V; V]` per head, with P_K and P_V of [N, H] in each layer l: the weights `prefix.l.key` and
 * `prefix.l.value`, drawn from normal(0, initializer_range).
 *
 * **Needs** a much higher learning rate than the whole model does: 1e-2 and more.
 * **Cost** N more keys for each query, nothing else: less than `softPrompt`, whose vectors go through all layers as queries too.
 * **Limits** N = 0 is the model itself. At the start it is not the model: random keys take part of the attention.
 * **Differs from the papers' code** in the positions, which there begin at N behind a prefix and here stay the text's own, so `maxLength`
 * stays too; and in having no network that makes the prefix, which P-tuning v2 found of mixed use.
 * **See also** `softPrompt` (vectors before the first layer only), `lora`.
 *
 * The state is the prefixes and the heads, without the model.
 *
 * @param base stays the caller's; `trainable: () => true` trains all of it too
 * @throws HoldfastError `bad-argument` if `length` or `seed` is no whole number ≥ 0, or the model has a prefix
 * @see Li and Liang, Prefix-Tuning: Optimizing Continuous Prompts for Generation, ACL 2021, arXiv:2101.00190, section 4
 * @see Liu et al., P-Tuning v2, ACL 2022, arXiv:2110.07602, section 3
 * @example
 * const prefixed = prefixTuning(model, { length: 8 });
 * await fit(prefixed, { objective: crossEntropy(), data: batches(train, { head }), optimizer: adamW({ learningRate: 1e-2 }), seed: 1 });
 * prefixed.dispose();
 */
export function prefixTuning(
  base: PretrainedModel,
  { length = 20, seed = 0, trainable }: PrefixTuningOptions = {},
): AdaptedModel {
  requireCount('prefixTuning', 'length', length, 0);
  requireCount('prefixTuning', 'seed', seed, 0);
  if (length === 0)
    return adapted('prefixTuning', base, { added: {}, forward: (inputs, options) => base.forward(inputs, options) }, trainable);

  const { layers, hiddenSize, initializerRange } = base.config;
  const numbers = Array.from({ length: layers }, (_, l) => l);
  const fresh = (name: string) =>
    [name, freshWeight({ name, shape: [length, hiddenSize], part: 'layer', start: 'normal' }, initializerRange, seed)] as const;
  const added = Object.fromEntries(numbers.flatMap((l) => [fresh(nameOf(l, 'key')), fresh(nameOf(l, 'value'))]));

  return adapted(
    'prefixTuning',
    base,
    {
      added,
      forward(inputs, options) {
        const [B] = inputs.ids.shape;
        // Made when they are read, so within the scope of their layer.
        const prefix = numbers.map((l) => ({
          get key() {
            return wholeTable(nameOf(l, 'key'), B, options);
          },
          get value() {
            return wholeTable(nameOf(l, 'value'), B, options);
          },
        }));
        return base.forward(inputs, { ...options, prefix });
      },
    },
    trainable,
  );
}

const nameOf = (layer: number, of: 'key' | 'value'): string => `prefix.${layer}.${of}`;
