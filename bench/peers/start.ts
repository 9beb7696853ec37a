// From nothing to the first prediction, in a process of its own. Argument: the model's folder.
export {};
const began = performance.now();
const { evaluate, loadModel } = await import('../../src');
const imported = performance.now();
await using model = await loadModel(process.argv[2]!);
const loaded = performance.now();
const head = model.addHead('answer', ['yes', 'no']);
const { predictions } = await evaluate(model, [{ text: 'Where is my parcel?', label: 'yes' }], { head });
const predicted = performance.now();
console.log(
  JSON.stringify({
    import: imported - began,
    load: loaded - imported,
    predict: predicted - loaded,
    all: predicted - began,
    label: predictions[0]!.label,
  }),
);
process.exit(0);
