"""What is reproduced, one file per name of ``ensemble reproduce``; `CLAIMS` finds them."""

from __future__ import annotations

from pipelines.reproduction.claim import Claim
from pruning.core.registry import Registry

CLAIMS: Registry[Claim] = Registry("claim", "pipelines.reproduction.claims", Claim)
