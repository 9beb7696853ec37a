import type { Advice, Diagnosis } from './doctor';

const skipInstall = (platform: string, command: string): string =>
  platform === 'win32' ? `set ONNXRUNTIME_NODE_INSTALL=skip && ${command}` : `ONNXRUNTIME_NODE_INSTALL=skip ${command}`;

/** From what was found to what to do, most important first. */
export function advise(found: Omit<Diagnosis, 'advice'>): Advice[] {
  const { platform, arch, libc, copies } = found;
  const about = (name: string) => found.packages.find((entry) => entry.name === name) ?? { name, installed: false };
  const usable = (name: string) => found.engines.some((engine) => engine.name === name && engine.usable);
  const advice: Advice[] = [];
  const problem = (text: string, ...commands: string[]) => advice.push({ kind: 'problem', text, commands });
  const note = (text: string, ...commands: string[]) => advice.push({ kind: 'note', text, commands });

  if (Number(found.node.split('.')[0]) < 20) problem(`Node ${found.node} is too old: holdfast needs 20 or later.`);
  if (!about('@tensorflow/tfjs').installed)
    problem('TensorFlow.js is missing; it is a peer dependency.', 'npm install @tensorflow/tfjs@^4.22.0');
  if (copies.length > 0) {
    problem(
      `There are ${copies.length} copies of TensorFlow.js, and two copies are two engines: ${copies.join(', ')}. Use one version.`,
      'npm dedupe',
    );
  }
  const tokenizers = about('tokenizers');
  if ((!tokenizers.installed || tokenizers.error !== undefined) && !about('@xenova/transformers').installed) {
    const why = tokenizers.error === undefined ? 'is not installed' : `does not load (${tokenizers.error})`;
    problem(
      `The package tokenizers ${why}; @xenova/transformers can take its place.`,
      'npm install @xenova/transformers@^2.17.2',
    );
  }

  const native = usable('onnxruntime') || usable('webgpu') || usable('tensorflow');
  const tell = native ? note : problem;
  const runtime = about('onnxruntime-node');
  const binary = !(platform === 'darwin' && arch === 'x64') && libc !== 'musl';
  if (!usable('onnxruntime') && !binary) {
    const machine = libc === 'musl' ? 'Alpine and other musl systems' : 'Macs with an Intel processor';
    tell(
      `onnxruntime-node has no binary for ${machine}. Use the tensorflow engine${libc ? ', or a Debian image' : ''}.`,
      'npm install @tensorflow/tfjs-node',
    );
  } else if (!runtime.installed) {
    tell(
      'onnxruntime-node is not installed. It is an optional dependency: when its install script fails, npm leaves it out without a word. ' +
        'The script downloads CUDA binaries from api.nuget.org, which are not needed: the CPU binary is in the package. Install again without it:',
      skipInstall(platform, 'npm install'),
    );
    note(
      'To keep it so for everybody who installs the project, put the first line into its .npmrc (npm 10 and 11; npm 11 warns that it does not ' +
        'know the key, and passes it on) or run the second (where npm has install-scripts, as 11.19: package.json then says that none is to run):',
      'echo onnxruntime-node-install=skip >> .npmrc',
      'npm pkg set allowScripts.onnxruntime-node=false allowScripts.koffi=false --json',
    );
  } else if (runtime.error !== undefined) {
    tell(
      `onnxruntime-node is installed but does not load: ${runtime.error}`,
      skipInstall(platform, 'npm install --force onnxruntime-node'),
    );
  }
  if (!usable('onnxruntime') && binary && runtime.installed && runtime.error === undefined) {
    const because = found.engines.find(({ name }) => name === 'onnxruntime')?.because ?? found.enginesError ?? 'unknown';
    tell(`onnxruntime-node loads, but the engine does not start: ${because}`);
  }
  const koffi = about('koffi');
  if (runtime.installed && (!koffi.installed || koffi.error !== undefined)) {
    const why = koffi.error === undefined ? 'is not installed' : `does not load (${koffi.error})`;
    note(`koffi ${why}: without it every step copies its results, and the event loop waits for it.`, 'npm install koffi');
  }
  if (!native) note('Until then the engine is plain JavaScript: right for tests, far too slow to train a real encoder.');
  return advice;
}
