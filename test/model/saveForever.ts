// Run by folder.test.ts as a process of its own, to be killed.
import { replaceFolder } from '../../src/model/folder';

const folder = process.argv[2]!;
for (let i = 0; ; i++) {
  const content = new TextEncoder().encode(`${process.pid}-${i}`.padEnd(2000 + i, '.'));
  await replaceFolder(folder, async (sink) => {
    await sink.write('weights', [content]);
    await sink.write('part/tokens', [content]);
    await sink.write('holdfast.json', [new TextEncoder().encode('{"files":["weights","part/tokens"]}')]);
  });
  if (i === 0) process.stdout.write('saved\n');
}
