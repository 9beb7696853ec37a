// Our own side in a process of its own: for its memory, and for tfjs's other engines. Arguments: engine, threads.
import { useEngine, type EngineName } from '../../src';
import { answer } from '../support/answer';
import { residentMemory } from '../support/memory';
import { ourStep } from '../support/ourStep';
import { syntheticBatch, syntheticModel } from '../support/synthetic';

const [engine, threads] = process.argv.slice(2);
let step: ReturnType<typeof ourStep> | undefined;

await answer({
  async hello() {
    const { because } = await useEngine({ engine: engine as EngineName, threads: Number(threads) });
    return { about: because };
  },
  async create({ batch, tokens }: { batch: number; tokens: number }) {
    const synthetic = syntheticModel(tokens);
    step = ourStep(synthetic.model, await syntheticBatch(synthetic, batch));
    return {};
  },
  async steps({ update, count }: { update: 'none' | 'default'; count: number }) {
    const times = [];
    for (let i = 0; i < count; i++) times.push(await (update === 'none' ? step!.evaluate() : step!.train()));
    return { ms: times.map(({ ms }) => ms), loss: times.at(-1)?.loss };
  },
  memory: residentMemory,
});
