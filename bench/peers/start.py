"""From nothing to the first prediction with PyTorch. Arguments: the model's folder, threads."""
import json
import sys
import time

began = time.perf_counter()
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

imported = time.perf_counter()
torch.set_num_threads(int(sys.argv[2]))
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModelForSequenceClassification.from_pretrained(sys.argv[1], num_labels=2, dtype=torch.float32).eval()
loaded = time.perf_counter()
with torch.no_grad():
    label = int(model(**tokenizer("Where is my parcel?", return_tensors="pt")).logits.argmax())
predicted = time.perf_counter()
ms = {"import": imported - began, "load": loaded - imported, "predict": predicted - loaded, "all": predicted - began}
print(json.dumps({**{name: 1000 * value for name, value in ms.items()}, "label": str(label)}))
