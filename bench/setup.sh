#!/usr/bin/env bash
# Installs what the benchmarks compare with, PyTorch and transformers, into bench/.venv.
# Needs Python 3 with venv and a package index that pip reaches. PYTHON says which Python, TORCH which version ("torch==2.9.1").
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
"${PYTHON:-python3}" -m venv .venv
.venv/bin/python -m pip install --quiet --upgrade pip
.venv/bin/python -m pip install "${TORCH:-torch}" transformers safetensors tokenizers
.venv/bin/python -c 'import torch, transformers; print("torch", torch.__version__, "transformers", transformers.__version__)'
