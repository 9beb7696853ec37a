"""PyTorch's side of the benchmarks: reads one JSON request per line, answers with one line. See bench/support/torch.ts."""
import json
import sys
import time

import torch
import transformers
from torch import nn
from transformers import BertConfig, BertModel

THREADS = int(sys.argv[1])
torch.set_num_threads(THREADS)
torch.manual_seed(1)
models, batches, rows, kept = {}, {}, {}, {}


class Classifier(nn.Module):
    """The same as ours: the encoder, the mean over the tokens, dropout, one linear layer."""

    def __init__(self, encoder, classes):
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(encoder.config.hidden_dropout_prob)
        self.classifier = nn.Linear(encoder.config.hidden_size, classes)
        self.optimizers = {}

    def forward(self, ids, mask):
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1)
        return self.classifier(self.dropout(pooled))


def hello(**_):
    return {"about": f"PyTorch {torch.__version__}, transformers {transformers.__version__}, {THREADS} threads"}


def create(name, attention, classes, rate, folder=None, config=None):
    if folder:
        encoder = BertModel.from_pretrained(folder, attn_implementation=attention, add_pooling_layer=False, dtype=torch.float32)
    else:
        settings = BertConfig(**config)
        settings._attn_implementation = attention
        encoder = BertModel(settings, add_pooling_layer=False)
    model = Classifier(encoder, classes).train()
    model.rate = rate
    models[name] = model
    return {"weights": sum(p.numel() for p in model.parameters())}


def forget(name):
    del models[name]
    return {}


def optimizer_of(model, update):
    if update not in model.optimizers:
        options = {"fused": True} if update == "fused" else {}
        model.optimizers[update] = torch.optim.AdamW(model.parameters(), lr=model.rate, weight_decay=0.01, **options)
    return model.optimizers[update]


def step(model, update, ids, mask, labels):
    """Forward, backward, and the update if there is one; the loss is read, as on our side."""
    loss = nn.functional.cross_entropy(model(ids, mask), labels)
    loss.backward()
    if update == "none":
        value = loss.item()
        model.zero_grad(set_to_none=True)
        return value
    optimizer = optimizer_of(model, update)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()


def padded(ids):
    tensors = [torch.tensor(row) if not torch.is_tensor(row) else row for row in ids]
    mask = nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in tensors], batch_first=True)
    return nn.utils.rnn.pad_sequence(tensors, batch_first=True), mask


def hold(name, ids, labels):
    batches[name] = (*padded(ids), torch.tensor(labels))
    return {}


def steps(model, batch, update, count):
    """`count` steps on a batch that is held."""
    ms, loss = [], 0.0
    for _ in range(count):
        start = time.perf_counter()
        loss = step(models[model], update, *batches[batch])
        ms.append((time.perf_counter() - start) * 1000)
    return {"ms": ms, "loss": loss}


def hold_rows(name, ids, labels):
    rows[name] = ([torch.tensor(row) for row in ids], torch.tensor(labels))
    return {}


def train(model, data, update, batches):
    """One step for each list of row numbers, padded to the longest of its rows. Padding is part of the time."""
    ids, labels = rows[data]
    ms, losses = [], []
    for batch in batches:
        start = time.perf_counter()
        losses.append(step(models[model], update, *padded([ids[i] for i in batch]), labels[batch]))
        ms.append((time.perf_counter() - start) * 1000)
    return {"ms": ms, "loss": sum(losses) / max(1, len(losses))}


def set_head(model, weight, bias):
    with torch.no_grad():
        models[model].classifier.weight.copy_(torch.tensor(weight))
        models[model].classifier.bias.copy_(torch.tensor(bias))
    return {}


def fisher(model, data, keep=None):
    """The empirical Fisher by the loop that the definition asks for: batches of one, squared gradients of every weight, their mean."""
    network = models[model].eval()
    ids, labels = rows[data]
    start = time.perf_counter()
    sums = {name: torch.zeros_like(p) for name, p in network.named_parameters()}
    for i, row in enumerate(ids):
        loss = nn.functional.cross_entropy(network(row[None], torch.ones_like(row)[None]), labels[i : i + 1])
        loss.backward()
        for name, p in network.named_parameters():
            sums[name].addcmul_(p.grad, p.grad)
        network.zero_grad(set_to_none=True)
    for total in sums.values():
        total.div_(len(ids))
    ms = (time.perf_counter() - start) * 1000
    if keep:
        kept[keep] = sums
    return {"ms": ms}


def compare(name, weight, file):
    """How far the float32 numbers of a file are from what is kept, as a share of the weight's largest entry."""
    want = kept[name][weight]
    got = torch.from_file(file, size=want.numel(), dtype=torch.float32).reshape(want.shape)
    return {"largest": want.max().item(), "off": (got - want).abs().max().item()}


def memory():
    """Peak and current resident memory in bytes. Not getrusage: its peak may be the parent's."""
    with open("/proc/self/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    kilobytes = lambda name: int(fields[name].split()[0]) * 1024
    return {"peak": kilobytes("VmHWM"), "now": kilobytes("VmRSS")}


doers = {f.__name__: f for f in (hello, create, forget, hold, steps, hold_rows, train, set_head, fisher, compare, memory)}
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = doers[request.pop("do")](**request)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
