// Run by resume.test.ts as a process of its own: opens what was saved after two tasks, learns the other two, and prints the fingerprints.
import * as tf from '@tensorflow/tfjs';
import { loadModel } from '../../src/model';
import { idTokenizer, vocabularyOf } from '../model/tiny';
import { digests, sequence } from './fourTasks';

await tf.setBackend('cpu');
const found: Record<string, Record<string, string>> = {};
for (const [name, folder] of Object.entries(JSON.parse(process.argv[2]!) as Record<string, string>)) {
  const { keep, learn } = sequence(name);
  const model = await loadModel(folder, { tokenizer: idTokenizer(vocabularyOf('bert')), keep });
  await learn(model, 2, 4);
  found[name] = await digests(model, keep);
}
process.stdout.write(JSON.stringify(found));
